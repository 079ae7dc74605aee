"use strict";

/* Prices are asked for once a second, which is as much as an eye can follow; what is rare, orders
   and changes of the venue, comes as events, beginning with those of before this page was opened. */

const EVERY_MS = 1000, VENUE_EVERY_MS = 5000, OLD_MS = 15000, ROWS = 30;
const STANDING = new Set(["connected", "ready"]);

/** An element with text and children; text is never read as HTML. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

const body = (id) => document.querySelector(`#${id} tbody`);
const plain = (value, unit = "") => (value === null ? "–" : `${value}${unit}`);
const clock = (instant) => (instant ? instant.slice(11, 19) : "");

function age(milliseconds) {
  if (milliseconds === null) return "–";
  return milliseconds < 60000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.floor(milliseconds / 60000)} min`;
}

function percent(value) {
  if (value === null) return make("td", "muted", "–");
  return make("td", value < 0 ? "down" : "up", `${value > 0 ? "+" : ""}${value.toFixed(2)} %`);
}

function price(ticker) {
  const link = make("a", "", ticker.symbol);
  link.href = `/plot/prices?symbols=${encodeURIComponent(ticker.symbol.replace("/", "-"))}&kind=candles`;
  const stale = ticker.price_age_ms === null || ticker.price_age_ms > OLD_MS;
  return make("tr", stale ? "ill" : "ok",
    make("th", "", make("span", "dot"), link),
    make("td", "", plain(ticker.last)),
    make("td", "muted", age(ticker.price_age_ms)),
    make("td", "", plain(ticker.bid)),
    make("td", "", plain(ticker.ask)),
    make("td", "muted", ticker.spread_bps === null ? "–" : `${ticker.spread_bps.toFixed(2)} bp`),
    percent(ticker.change_percent),
    make("td", `state ${ticker.state ?? ""}`, plain(ticker.state)));
}

async function prices() {
  const tickers = await (await fetch("/tickers")).json();
  const none = make("tr", "", make("td", "muted", "no symbol is followed yet"));
  none.firstChild.colSpan = 8;
  body("prices").replaceChildren(...(tickers.length ? tickers.map(price) : [none]));
}

/** A figure; what says enough by itself goes without a name. */
function fact(name, value) {
  return make("span", "", ...(name ? [make("span", "muted", name)] : []), plain(value));
}

function line(title, ok, ...facts) {
  return make("tr", ok ? "ok" : "ill", make("th", "", make("span", "dot"), title),
    make("td", "figures", ...facts));
}

function venue(told) {
  const table = make("table", "",
    line(told.url, told.reachable && !told.banned_until,
      fact("clock", `${told.clock_offset_ms} ms`),
      fact("round trip", plain(told.round_trip_ms?.toFixed(1) ?? null, " ms")),
      ...(told.banned_until ? [fact("banned until", clock(told.banned_until))] : []),
      told.detail),
    ...told.limits.map((limit) =>
      line(`${limit.kind} / ${limit.seconds} s`, limit.used <= limit.limit,
        fact("used", `${limit.used} of ${limit.limit}`), fact("", `${limit.used_percent} %`),
        fact("waiting", limit.waiting))),
    ...told.breakers.map((breaker) =>
      line(`breaker ${breaker.group}`, breaker.state === "closed",
        fact("", breaker.state), fact("failures", breaker.failures), fact("opened", breaker.opened))),
    ...told.streams.map((stream) =>
      line(`stream ${stream.role}`, STANDING.has(stream.state),
        fact("", stream.state), fact("lag", plain(stream.lag_ms?.toFixed(0) ?? null, " ms")),
        fact("streams", Object.keys(stream.streams).length), fact("messages", stream.messages),
        fact("dropped", stream.dropped), fact("connects", stream.connects), stream.detail)));
  return make("div", "card", table);
}

async function venues() {
  const told = await (await fetch("/venue")).json();
  document.getElementById("venues").replaceChildren(...told.map(venue));
}

/** Put a row on top, and let the oldest go. */
function put(id, row) {
  const rows = body(id);
  rows.querySelector("td[colspan], td.muted:only-child")?.parentElement.remove();
  rows.prepend(row);
  while (rows.children.length > ROWS) rows.lastChild.remove();
}

function order({ order: it, source }) {
  put("orders", make("tr", it.status === "REJECTED" ? "ill" : "",
    make("td", "muted", clock(it.updated_at)),
    make("th", "", `${it.side} ${it.symbol} `, make("span", "muted", it.type)),
    make("td", "", it.status),
    make("td", "", `${it.executed_quantity} of ${it.quantity ?? `${it.quote_quantity} quote`}`),
    make("td", "", it.average_price === null ? "–" : String(Number(Number(it.average_price).toPrecision(10)))),
    make("td", "muted", source)));
}

function refusal(it) {
  put("orders", make("tr", "ill", make("td", "muted", ""),
    make("th", "", `${it.side} ${it.symbol} `, make("span", "muted", it.type)),
    make("td", "", "refused"), make("td", "", it.reason), make("td", "", ""), make("td", "muted", "our rules")));
}

function happened(title, ...text) {
  put("happened", make("tr", "", make("th", "", title), make("td", "", ...text)));
}

const handlers = {
  order,
  refusal,
  venue: (it) => happened(it.part, it.state, make("span", "muted", it.detail && ` · ${it.detail}`)),
  state: (it) => happened(it.symbol, `${plain(it.before)} → ${it.after}`, make("span", "muted", ` · ${it.reason}`)),
  reset: (it) => happened("events", it.reason === "restarted" ? "the system was started anew" : `${it.at_most} were not kept`),
};

function connection(ok, text) {
  const line_ = document.getElementById("connection");
  line_.className = ok ? "ok" : "ill";
  line_.replaceChildren(make("span", "dot"), text);
}

/* The browser comes back by itself after a lost connection, with the last id it saw. */
const source = new EventSource(`/events?replay=all&kinds=order,refusal,venue,state`);
source.onopen = () => connection(true, "connected");
source.onerror = () => connection(false, "the connection is lost; trying again");
for (const [kind, handle] of Object.entries(handlers)) {
  source.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
}

/** Ask again and again, never twice at once, and not while nobody looks. */
async function repeat(ask, milliseconds) {
  try {
    if (!document.hidden) await ask();
  } catch { /* the connection's own line says so */ }
  setTimeout(repeat, milliseconds, ask, milliseconds);
}

repeat(prices, EVERY_MS);
repeat(venues, VENUE_EVERY_MS);
