"use strict";
(() => {
  const steps = [...document.querySelectorAll("details")];
  const all = (open) => steps.forEach((step) => { step.open = open; });
  document.getElementById("tools").hidden = false;
  document.getElementById("expand").addEventListener("click", () => all(true));
  document.getElementById("collapse").addEventListener("click", () => all(false));
  const opened = () => {
    const at = document.getElementById(location.hash.slice(1));
    if (at instanceof HTMLDetailsElement) at.open = true;
  };
  addEventListener("hashchange", opened);
  opened();
  let before = [];
  addEventListener("beforeprint", () => { before = steps.map((step) => step.open); all(true); });
  addEventListener("afterprint", () => steps.forEach((step, i) => { step.open = before[i]; }));
})();
