// The officers' queue works without this file. It keeps a choice at the tick, and lets cards be dragged.
"use strict";

// What is ticked is kept at once, so that a link to another page, view or sort loses nothing.
document.querySelectorAll("form[data-chooses]").forEach((form) => {
  form.addEventListener("change", async () => {
    const body = new FormData(form);
    body.set("go", "save");
    const answer = await fetch(form.action, { method: "POST", body });
    if (answer.ok) form.querySelector("[data-chosen]").textContent = await answer.text();
  });
});

// Dropping a card presses the button that "Move to" holds for that lane.
const wayTo = (card, lane) => card.querySelector(`button[name="to"][value="${lane.dataset.lane}"]`);
let dragged = null;

document.querySelectorAll("[data-card]:has(button)").forEach((card) => {
  card.draggable = true;
  card.addEventListener("dragstart", (event) => {
    dragged = card;
    event.dataTransfer.setData("text/plain", card.querySelector("a").href);
  });
  card.addEventListener("dragend", () => { dragged = null; });
});

document.querySelectorAll("[data-lane]").forEach((lane) => {
  lane.addEventListener("dragover", (event) => {
    if (!dragged || !wayTo(dragged, lane)) return;
    event.preventDefault();
    lane.classList.add("is-target");
  });
  for (const end of ["dragleave", "drop"]) lane.addEventListener(end, () => lane.classList.remove("is-target"));
  lane.addEventListener("drop", (event) => {
    const way = dragged && wayTo(dragged, lane);
    if (!way) return;
    event.preventDefault();
    way.form.requestSubmit(way);
  });
});
