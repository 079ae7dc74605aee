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
  if (typeof value === "number") return String(Math.round(value * 1000) / 1000);
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
    await fill("symbols", "/symbols", symbol);
    await fill("strategies", "/strategies", strategy);
    await fill("backtests", "/backtests", backtest, "?limit=10");
  } catch {
    summary.className = "ill";
    summary.replaceChildren(make("span", "dot"), "does not answer");
  }
}

/** A table with a row for each of what is at a path. */
async function fill(id, path, line, query = "") {
  const answer = await fetch(path + query);
  if (!answer.ok) return;
  const rows = await answer.json();
  document.getElementById(id).replaceChildren(...rows.map(line), ...hint(rows, path));
}

function linked(text, address) {
  const link = make("a", "", text);
  link.href = address;
  return link;
}

function symbol({ symbol: name, active, registered_at: since }) {
  const link = linked(name, `/plot/prices?symbols=${slug(name)}&kind=candles`);
  const state = active ? "collected" : "not collected any more";
  return make("tr", active ? "ok" : "", make("th", "", make("span", "dot"), link),
    make("td", "muted", `${state}, registered ${since.slice(0, 10)}`));
}

function slug(name) {
  return encodeURIComponent(name.replace("/", "-"));
}

/** A page for each of its symbols. */
function strategy({ id, name, symbols, timeframe, capital, profit, state, reason }) {
  const pages = symbols.flatMap((each) => [
    linked(each, `/plot/strategies/${id}?symbol=${slug(each)}`), " "]);
  const told = `${timeframe} · ${state}, capital ${capital}, profit ${shown(profit && Number(profit))}`;
  const dot = { running: "ok", failed: "ill" }[state] ?? "";
  return make("tr", dot, make("th", "", make("span", "dot"), name),
    make("td", "muted", ...pages, told, ...(reason ? [make("div", "", reason)] : [])));
}

function backtest({ configuration: asked, state, error, metrics, plot }) {
  const span = `${asked.start.slice(0, 10)} to ${asked.end.slice(0, 10)}`;
  const made = metrics ? `, return ${shown(metrics.total_return * 100)} %` : "";
  const told = `${asked.symbol} ${asked.timeframe}, ${span} · ${state}${made}`;
  const dot = { done: "ok", failed: "ill" }[state] ?? "";
  return make("tr", dot,
    make("th", "", make("span", "dot"), plot ? linked(asked.strategy, plot) : asked.strategy),
    make("td", "muted", told, ...(error ? [make("div", "", error)] : [])));
}

function hint(rows, path) {
  if (rows.length) return [];
  const link = linked(`POST ${path}`, `/docs#post-${path.slice(1)}`);
  return [make("tr", "", make("td", "muted", "none yet: ", link, " adds one"))];
}

refresh();
setInterval(refresh, EVERY_MS);
