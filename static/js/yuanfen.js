// The few things that neither HTML nor htmx does: print, check all boxes of a form at once, choose the whole of a text
// that is there to be copied, add up what is ticked, and show where one is in a navigation that is wider than the screen.
"use strict";

const tabs = document.querySelector(".tabs");
const here = tabs?.querySelector("[aria-current]");
if (here) tabs.scrollLeft = here.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
// A browser stops a fraction of a pixel before an entry that gets the focus is seen as a whole.
tabs?.addEventListener("focusin", (event) => event.target.scrollIntoView({ block: "nearest", inline: "center" }));

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[readonly]")) event.target.select();
});

// What is ticked, added up in hundredths: credit has two decimal places at most.
const addUp = (form) => {
  const told = form?.querySelector("[data-ticked]");
  if (!told) return;
  const ticked = [...form.querySelectorAll("[data-adds]:checked")];
  const hundredths = ticked.reduce((sum, box) => sum + Math.round(Number(box.dataset.adds) * 100), 0);
  told.querySelector("[data-count]").textContent = ticked.length;
  told.querySelector("[data-sum]").textContent = hundredths / 100;
  told.hidden = false;
};

for (const told of document.querySelectorAll("[data-ticked]")) addUp(told.closest("form"));

document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-check-all]");
  for (const box of all?.form.querySelectorAll('input[type="checkbox"]:not([data-check-all]):not(:disabled)') ?? []) {
    box.checked = all.checked;
  }
  addUp(event.target.form);
});

// A form that is sent leaves the page: an estimate that is still on its way would come too late, and be refused.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  event.target.dispatchEvent(new CustomEvent("htmx:abort", { bubbles: true, detail: {} }));
});

// A fragment that htmx puts into the place for messages must not go unseen below the fold of a long page.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "messages" && event.target.childElementCount) event.target.scrollIntoView({ block: "center" });
});
