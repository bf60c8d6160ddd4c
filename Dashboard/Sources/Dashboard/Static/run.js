"use strict";

// The page of a run that goes on: charts to which points are added, latest values, log, state.

const charts = new Map();

// Shows a chart anew in its place; points that come before it's drawn wait for it.
function showChart({metric, place, specification, description}) {
  let chart = charts.get(metric);
  if (!chart) {
    const figure = document.createElement("figure");
    figure.className = "wide";
    figure.dataset.metric = metric;
    const drawing = document.createElement("div");
    drawing.className = "chart";
    drawing.setAttribute("role", "img");
    figure.append(drawing);
    const all = document.getElementById("charts");
    all.insertBefore(figure, all.children[place] || null);
    chart = {figure, drawing, view: null, waiting: []};
    charts.set(metric, chart);
  }
  chart.drawing.setAttribute("aria-label", description);
  chart.waiting = [];
  if (typeof drawChart !== "function") return;
  const old = chart.view;
  chart.view = drawChart(chart.drawing, specification, chartOptions).then(result => {
    if (!result) return null;
    const {view} = result;
    add(view, chart.waiting.splice(0));
    chart.figure.dataset.points = view.data("lines-0").length;
    return view;
  });
  if (old) old.then(view => view && view.finalize());
}

function add(view, points) {
  if (points.length > 0) view.change("lines-0", vega.changeset().insert(points)).run();
}

function addPoints({metric, points}) {
  const chart = charts.get(metric);
  if (!chart || !chart.view) return;
  chart.waiting.push(...points);
  chart.view.then(view => {
    if (!view) return;
    add(view, chart.waiting.splice(0));
    chart.figure.dataset.points = view.data("lines-0").length;
  });
}

// Characters of a log that the page keeps.
const logLimit = 200000;

function showLog({file, text, isAll}) {
  const box = document.getElementById(file === "log.txt" ? "log" : "errors");
  if (!box) return;
  const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.textContent = ((isAll ? "" : box.textContent) + text).slice(-logLimit);
  box.hidden = box.textContent === "";
  if (isAtEnd) box.scrollTop = box.scrollHeight;
}

const finish = listen({
  chart: showChart,
  points: addPoints,
  latest({html}) { document.getElementById("latest").innerHTML = html; },
  log: showLog,
  facts({html}) { document.getElementById("facts").innerHTML = html; },
  action({html, state}) {
    const action = document.getElementById("action");
    // A page that has just been loaded has it already, and a button that is being pressed must stay.
    if (action.innerHTML.trim() === html.trim()) return;
    const hadFocus = action.contains(document.activeElement);
    action.innerHTML = html;
    const button = action.querySelector("button");
    if (hadFocus && button) button.focus();
    if (state !== "running") announce(`The run is ${state}.`);
  },
  async end() {
    finish();
    // The report takes the place of what was shown while the run went on.
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = document.getElementById("main");
    main.replaceChildren(...document.adoptNode(page.getElementById("main")).childNodes);
    document.title = page.title;
    if (typeof drawCharts === "function") drawCharts(document, chartOptions);
    if (document.activeElement === document.body) main.focus({preventScroll: true});
  },
});

for (const id of ["log", "errors"]) {
  const box = document.getElementById(id);
  if (box) box.scrollTop = box.scrollHeight;
}
