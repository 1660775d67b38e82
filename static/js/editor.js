// The editor of rulebooks: colours under the text, faults at the end of their lines, and a copy of what is typed in this
// browser until the server has it. Without this file the page is a plain form that does the same by its buttons.
"use strict";

(() => {
  const form = document.querySelector("[data-editor]");
  if (!form) return;
  const text = form.querySelector("textarea[name=text]");
  const box = form.querySelector("[data-yaml]");
  const ink = form.querySelector("[data-ink]");
  const offline = form.querySelector("[data-offline]");
  const prefix = `yuanfen-draft:${form.dataset.person}:`;
  const key = prefix + form.dataset.draft;

  // Colours

  const PARTS = /("(?:[^"\\]|\\.)*"|(?<!\w)'(?:[^']|'')*')|((?:^|\s)#.*$)|((?:^|[{,]|-\s)\s*)([A-Za-z_][\w-]*)(?=\s*:(?:\s|$))|\b((?:contribution|repository|student|round|term|standing)(?:\.\w+)+)|((?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-]))|\b(true|false)\b/g;
  const KINDS = [null, "string", "comment", null, "key", "fact", "number", "word"];

  const span = (kind, said) => {
    const made = document.createElement("span");
    if (kind) made.className = kind;
    made.textContent = said;
    return made;
  };

  const coloured = (line) => {
    const made = span("line", "");
    let end = 0;
    for (const found of line.matchAll(PARTS)) {
      const at = KINDS.findIndex((kind, place) => kind && found[place] !== undefined);
      const start = found.index + (found[3] ? found[3].length : 0);
      made.append(line.slice(end, start), span(KINDS[at], line.slice(start, found.index + found[0].length)));
      end = found.index + found[0].length;
    }
    made.append(line.slice(end));
    return made;
  };

  const told = () => {
    const said = new Map();
    for (const one of document.querySelectorAll("#check [data-line]")) {
      const line = Number(one.dataset.line);
      const kind = "fault" in one.dataset ? "fault" : "doubt";
      const before = said.get(line);
      const sentence = one.querySelector("[data-said]").textContent;
      said.set(line, { kind: before?.kind === "fault" ? "fault" : kind, said: before ? `${before.said} ${sentence}` : sentence });
    }
    return said;
  };

  const scroll = () => {
    ink.scrollTop = text.scrollTop;
    ink.scrollLeft = text.scrollLeft;
  };

  const paint = () => {
    const lines = text.value.split("\n");
    const said = told();
    const made = lines.map((line, at) => {
      const one = coloured(line);
      const here = said.get(at + 1) ?? (at + 1 === lines.length ? [...said].find(([place]) => place > lines.length)?.[1] : undefined);
      if (here) {
        one.classList.add(here.kind);
        one.append(span("said", `  ▲ ${here.said}`));
      }
      return one;
    });
    ink.replaceChildren(...made);
    scroll();
  };

  let waiting = 0;
  const paintSoon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(paint);
  };

  box.classList.add("live");
  text.addEventListener("scroll", scroll, { passive: true });
  paint();

  // To the place of a fault

  document.addEventListener("click", (event) => {
    const go = event.target.closest("#check [data-go]");
    if (!go) return;
    const { line, column } = go.parentElement.dataset;
    const lines = text.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const at = Math.min(before + Number(column) - 1, text.value.length);
    text.focus();
    text.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(text).lineHeight);
    text.scrollTop = Math.max(0, (line - 6) * height);
  });

  // A copy in this browser, until the server has it

  const store = (work) => {
    try {
      return work(window.localStorage);
    } catch {
      return null; // a browser that keeps nothing: the server's copy is there
    }
  };
  let sent = null;
  const typed = () => {
    store((kept) => kept.setItem(key, text.value));
    const address = `${form.dataset.address}?draft=${form.dataset.draft}`;
    if (window.location.search !== `?draft=${form.dataset.draft}`) window.history.replaceState(null, "", address);
    paintSoon();
  };
  text.addEventListener("input", typed);
  const recheck = () => window.htmx.trigger(text, "recheck");

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === text) sent = text.value;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "check") return;
    offline.hidden = true;
    if ("kept" in event.target.dataset && sent === text.value) store((kept) => kept.removeItem(key));
    paint();
  });
  let again = 0;
  for (const lost of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(lost, (event) => {
      if (event.target !== text) return;
      offline.hidden = false;
      clearTimeout(again);
      again = setTimeout(recheck, 5000);
    });
  }
  window.addEventListener("online", recheck);

  // What was typed once and never arrived

  const bar = document.querySelector("[data-unsaved]");
  const list = bar.querySelector("[data-unsaved-list]");
  const restore = bar.querySelector("[data-restore]");
  const left = store((kept) => Object.keys(kept).filter((name) => name.startsWith(prefix))) ?? [];
  for (const name of left) {
    const held = store((kept) => kept.getItem(name));
    if (name === key && (held === text.value || !held)) {
      store((kept) => kept.removeItem(name));
    } else if (name === key) {
      bar.hidden = restore.hidden = false;
    } else {
      const link = document.createElement("a");
      link.className = "a";
      link.href = `${form.dataset.address}?draft=${name.slice(prefix.length)}`;
      link.textContent = /^code:\s*(\S+)/m.exec(held)?.[1] ?? held.trim().slice(0, 20);
      list.append(" ", link);
      bar.hidden = false;
    }
  }
  restore.addEventListener("click", () => {
    text.value = store((kept) => kept.getItem(key)) ?? text.value;
    bar.hidden = true;
    typed();
    recheck();
    text.focus();
  });
  bar.querySelector("[data-forget]").addEventListener("click", () => {
    for (const name of left) store((kept) => kept.removeItem(name));
    bar.hidden = true;
  });
  form.addEventListener("submit", () => store((kept) => kept.setItem(key, text.value)));
})();
