"use strict";

/* Draws the page's figure, and links to the same data drawn in another way. */

const DAY = 86_400_000;
const chart = document.getElementById("chart");
const controls = document.getElementById("controls");
const figure = JSON.parse(document.getElementById("figure").textContent);
const asked = new URLSearchParams(location.search);

function link(text, changes, className = "") {
  const query = new URLSearchParams(asked);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  const anchor = document.createElement("a");
  anchor.textContent = text;
  anchor.className = className;
  anchor.href = `${location.pathname}?${query}`;
  return anchor;
}

function group(...links) {
  const span = document.createElement("span");
  span.append(...links);
  return span;
}

function choice(name, standard, ...values) {
  const now = asked.get(name) ?? standard;
  return group(...values.map((value) =>
    link(value, { [name]: value }, value === now ? "chosen" : "")));
}

function ranges() {
  const days = { "1 day": 1, "1 week": 7, "1 month": 30, "1 year": 365 };
  const since = (count) => new Date(Math.floor((Date.now() - count * DAY) / 60_000) * 60_000);
  return group(
    ...Object.entries(days).map(([text, count]) =>
      link(text, { start: since(count).toISOString(), end: null })),
    link("all", { start: null, end: null }, asked.has("start") || asked.has("end") ? "" : "chosen"));
}

/** After zooming in: the same range again, in shorter candles. */
function offerDetail() {
  controls.querySelector(".detail")?.remove();
  const axis = chart.layout.xaxis;
  if (axis.autorange) return;
  const utc = (text) => new Date(/Z$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  const [start, end] = axis.range.map((edge) => (typeof edge === "number" ? new Date(edge) : utc(edge)));
  if (end - start < 120_000 || Number.isNaN(end - start)) return;
  controls.append(link("this range in detail", { start: start.toISOString(), end: end.toISOString() }, "detail"));
}

const home = link("← home", {});
home.href = "/";
controls.append(home);
if (location.pathname === "/plot/prices") {
  controls.append(choice("kind", "line", "line", "candles"), choice("scale", "log", "log", "linear"));
}
controls.append(ranges());

Plotly.newPlot(chart, figure.data, figure.layout, {
  responsive: true,
  displaylogo: false,
  scrollZoom: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
}).then(() => chart.on("plotly_relayout", offerDetail));
