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
// The file of a plan becomes the text of its form.
for (const file of document.querySelectorAll("input[type=file][data-into]")) {
  file.parentElement.hidden = false;
  file.addEventListener("change", async () => {
    if (file.files.length > 0) {
      document.getElementById(file.dataset.into).value = await file.files[0].text();
    }
  });
}
