// The portal works without this file. It only saves a step or two for those whose browser runs it.
"use strict";

// An error summary takes the focus, so that a screen reader starts with what went wrong.
document.querySelector("[data-takes-focus]")?.focus();

// A form sent twice by a nervous double click is sent once (the server would count it once anyway).
document.addEventListener("submit", (event) => {
  const form = event.target;
  if ((event.submitter?.getAttribute("formmethod") ?? form.method) !== "post") return; // "keep it" only closes a dialog
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 3000);
});

// A question that has a page of its own is asked in a dialog here; closing it gives the focus back (Escape does both).
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (!dialog?.showModal || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  dialog.addEventListener("close", () => opener.focus(), { once: true });
  dialog.showModal();
});

// Paper shows everything: what is folded away on the screen is opened before printing.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));
