// Keys of the desk. Every one of them has a link or a button that does the same; they can be switched off, and then
// this file is not loaded (WCAG 2.1.4).
"use strict";
{
  const ROWS = "[data-row], [data-card]";
  const FIELDS = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), select, textarea, [contenteditable]";
  const rows = () => [...document.querySelectorAll(ROWS)];
  const linkOf = (row) => row.querySelector("a[href]");
  const here = () => document.querySelector(".is-here") ?? document.activeElement?.closest(ROWS);
  const go = (row, step) => location.assign(`${new URL(linkOf(row).href).pathname}${step ? `?step=${step}` : ""}`);

  // The focus goes along, so that Enter, Tab and a screen reader are where the eyes are.
  const stand = (row) => {
    rows().forEach((each) => each.classList.toggle("is-here", each === row));
    linkOf(row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const move = (by) => {
    const all = rows(), at = all.indexOf(here());
    const next = at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by));
    if (all.length) stand(all[next]);
    return all.length > 0;
  };

  const search = () => {
    const field = document.querySelector("[data-search], form.filters :is(input:not([type=hidden]), select)");
    field?.focus();
    return Boolean(field);
  };
  const open = () => {
    const row = here();
    if (row) go(row);
    return Boolean(row);
  };
  // On the queue a step begins on the request's page; there it unfolds.
  const step = (name) => {
    const row = here(), fold = document.querySelector(`[data-step="${name}"]`);
    if (fold) {
      fold.open = true;
      (fold.querySelector("input:not([type=hidden]), select, textarea") ?? fold.querySelector("button")).focus();
    } else if (row) go(row, name);
    return Boolean(fold ?? row);
  };
  const assign = () => {
    const row = here(), form = document.querySelector("form[data-assign]");
    if (form && row) form.action = `${new URL(linkOf(row).href).pathname}assign/`;
    const isReady = Boolean(form?.getAttribute("action"));
    if (isReady) form.requestSubmit();
    return isReady || step("assign");
  };
  const help = () => {
    document.querySelector("[data-opens=keys]").click();
    return true;
  };

  const KEYS = {
    "/": search, "?": help, j: () => move(1), k: () => move(-1), o: open, a: assign,
    e: () => step("extend"), n: () => step("note"),
  };
  // On an Arabic keyboard the same keys give other letters: then it counts which key it was.
  const keyOf = ({ key, code, shiftKey }) => {
    if (key.length === 1 && key < "\x7f") return key;
    return code === "Slash" ? (shiftKey ? "?" : "/") : code.replace(/^Key/, "").toLowerCase();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    if (Object.hasOwn(KEYS, keyOf(event)) && KEYS[keyOf(event)]()) event.preventDefault();
  });
}
