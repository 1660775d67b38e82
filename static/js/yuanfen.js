// The few things that neither HTML nor htmx does: print, check all boxes of a form at once, choose the whole of a text
// that is there to be copied, and show where one is in a navigation that is wider than the screen.
"use strict";

const tabs = document.querySelector(".tabs");
const here = tabs?.querySelector("[aria-current]");
if (here) tabs.scrollLeft = here.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[readonly]")) event.target.select();
});

document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-check-all]");
  if (!all) return;
  for (const box of all.form.querySelectorAll('input[type="checkbox"]:not([data-check-all]):not(:disabled)')) {
    box.checked = all.checked;
  }
});

// A fragment that htmx puts into the place for messages must not go unseen below the fold of a long page.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "messages" && event.target.childElementCount) event.target.scrollIntoView({ block: "center" });
});
