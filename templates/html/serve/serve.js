// Shows times in the zone of whoever reads; without scripts they are in UTC.
const showTimes = (part) => {
  for (const time of part.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) {
      time.title = time.textContent;
      time.textContent = at.toLocaleString();
    }
  }
};
showTimes(document);
// a part of the page that came later
document.addEventListener("shown", (event) => showTimes(event.target));
