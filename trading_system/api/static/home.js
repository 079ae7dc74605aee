"use strict";

const EVERY_MS = 5000;

/** An element with text and children; text is never read as HTML. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

const instant = /^\d{4}-\d\d-\d\dT/;

function shown(value) {
  if (value === null) return "–";
  return instant.test(value) ? `${value.slice(11, 19)} UTC` : String(value);
}

function row(title, ok, detail, figures) {
  const heading = make("th", "", make("span", "dot"), title);
  const facts = Object.entries(figures).map(([name, value]) =>
    make("span", "", make("span", "muted", name.replaceAll("_", " ")), shown(value)));
  const text = detail ? [make("div", "", detail)] : [];
  return make("tr", ok ? "ok" : "ill", heading, make("td", "figures", ...text, ...facts));
}

async function refresh() {
  const summary = document.getElementById("summary");
  try {
    const health = await (await fetch("/health")).json();
    const ill = Object.values(health.components).filter((part) => !part.ok).length;
    summary.className = ill ? "ill" : "ok";
    summary.replaceChildren(
      make("span", "dot"),
      ill ? `${ill} of its parts not well` : "all is well",
      make("span", "muted", ` · ${shown(health.time)}`));
    document.getElementById("parts").replaceChildren(
      ...Object.entries(health.components).map(([name, part]) =>
        row(name.replaceAll("_", " "), part.ok, part.detail, part.figures)));
    const symbols = await (await fetch("/symbols")).json();
    document.getElementById("symbols").replaceChildren(...symbols.map(symbol), ...hint(symbols));
  } catch {
    summary.className = "ill";
    summary.replaceChildren(make("span", "dot"), "does not answer");
  }
}

function symbol({ symbol: name, active, registered_at: since }) {
  const link = make("a", "", name);
  link.href = `/plot/prices?symbols=${encodeURIComponent(name.replace("/", "-"))}&kind=candles`;
  const state = active ? "collected" : "not collected any more";
  return make("tr", active ? "ok" : "", make("th", "", make("span", "dot"), link),
    make("td", "muted", `${state}, registered ${since.slice(0, 10)}`));
}

function hint(symbols) {
  if (symbols.length) return [];
  const link = make("a", "", "POST /symbols");
  link.href = "/docs#post-symbols";
  return [make("tr", "", make("td", "muted", "none yet: ", link, " adds one"))];
}

refresh();
setInterval(refresh, EVERY_MS);
