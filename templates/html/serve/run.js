// Shows a run while it goes on. Without scripts the page asks again by itself.
const run = document.getElementById("run");
const said = document.getElementById("said");
let source = null;

const show = (event) => {
  const now = JSON.parse(event.data);
  // made by the service from its own templates, in which everything foreign is escaped
  run.innerHTML = now.html;
  run.dispatchEvent(new Event("shown", { bubbles: true }));
  // a change of this sentence is read out
  if (said.textContent !== now.said) said.textContent = now.said;
  document.title = now.title;
  if (now.over) {
    source.close();
    source = null;
    delete run.dataset.stream;
    document.getElementById("controls")?.remove();
  }
};

const open = () => {
  if (source || !run.dataset.stream) return;
  source = new EventSource(run.dataset.stream);
  source.addEventListener("state", show);
  source.addEventListener("error", () => {
    // refused, because the session has ended or there are too many: the page itself says why
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  });
};

// a browser has few connections to one service: a tab that nobody sees needs none
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return open();
  source?.close();
  source = null;
});
if (!document.hidden) open();
