"use strict";

// The list of runs: rows that change, and the button that compares those that are chosen.

const list = document.getElementById("list");
const rows = document.getElementById("rows");
const compare = document.getElementById("compare");

function chosen() { return [...list.querySelectorAll("input[name=run]:checked")].map(box => box.value); }

function count() {
  const number = chosen().length;
  compare.disabled = number < 2;
  compare.textContent = number < 2 ? "Choose runs to compare" : `Compare ${number} runs`;
}

list.addEventListener("change", count);
// Browsers bring choices back when one returns to the page.
window.addEventListener("pageshow", count);
count();

listen({
  rows({html, count: text}) {
    const kept = new Set(chosen());
    const focused = rows.contains(document.activeElement) ? document.activeElement : null;
    const place = focused && {tag: focused.tagName, key: focused.value || focused.getAttribute("href")};
    rows.innerHTML = html;
    for (const box of rows.querySelectorAll("input[name=run]")) box.checked = kept.has(box.value);
    if (place) {
      const same = [...rows.querySelectorAll(place.tag)]
        .find(element => (element.value || element.getAttribute("href")) === place.key);
      if (same) same.focus({preventScroll: true});
    }
    document.getElementById("count").textContent = text;
    count();
  },
  news({text}) { announce(text); },
});
