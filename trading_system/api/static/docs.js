"use strict";

/* Renders the OpenAPI document as plain HTML; each call can be tried from here. */

/** An element with text and children; text is never read as HTML. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

const pretty = (value) => JSON.stringify(value, null, 2);

function resolved(schema, all) {
  return schema?.$ref ? all[schema.$ref.split("/").pop()] : schema;
}

/** The example of a media type: its own, or that of its schema, or of its schema's items. */
function example(content, all) {
  if (content.example !== undefined) return content.example;
  const schema = resolved(content.schema, all);
  const items = resolved(schema?.items, all);
  return schema?.examples?.[0] ?? (items?.examples ? [items.examples[0]] : undefined);
}

function block(value) {
  return make("pre", "", typeof value === "string" ? value : pretty(value));
}

function parameter(spec) {
  const input = document.createElement("input");
  const sample = spec.example ?? spec.schema?.examples?.[0] ?? spec.examples?.[0] ?? "";
  input.placeholder = [sample].flat().join(",");
  input.dataset.name = spec.name;
  input.dataset.place = spec.in;
  if (spec.required) input.value = input.placeholder;
  const standard = spec.schema?.default;
  const note = [spec.description, standard === undefined || standard === null ? "" : `default ${standard}`];
  return make("tr", "",
    make("th", "", spec.name), make("td", "muted", note.filter(Boolean).join(" · ")),
    make("td", "", input));
}

async function attempt(verb, path, form, output) {
  const headers = {}, query = new URLSearchParams();
  let url = path;
  for (const input of form.querySelectorAll("input")) {
    const { name, place } = input.dataset;
    if (place === "path") url = url.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value && place === "query") query.append(name, input.value);
    else if (input.value && place === "header") headers[name] = input.value;
  }
  const token = document.querySelector("#token input").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  const target = query.size ? `${url}?${query}` : url;
  output.textContent = "…";
  try {
    const answer = await fetch(target, { method: verb.toUpperCase(), headers, body });
    const place = answer.headers.get("Location");
    const head = `${answer.status} ${answer.statusText}${place ? `\nLocation: ${place}` : ""}\n\n`;
    if (answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      await stream(answer, head, output);
      return;
    }
    let text = await answer.text();
    try { text = pretty(JSON.parse(text)); } catch { /* no JSON: shown as it came */ }
    output.textContent = head + text.slice(0, 20000);
  } catch (error) {
    output.textContent = String(error);
  }
}

/** Show an answer that has no end as it comes, up to a screenful. */
async function stream(answer, head, output) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.length < 20000) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    output.textContent = head + text;
  }
  await reader.cancel();
}

function operation(verb, path, spec, all) {
  const details = make("details", "card",
    make("summary", "", make("span", `verb ${verb}`, verb.toUpperCase()),
      make("span", "path", path), make("span", "muted", spec.summary ?? "")));
  details.id = `${verb}${path.replaceAll(/[^a-z]+/gi, "-")}`;
  const inside = make("div", "operation", make("p", "", spec.description ?? ""));
  if (spec.parameters?.length) {
    inside.append(make("h3", "", "Parameters"), make("table", "", ...spec.parameters.map(parameter)));
  }
  const body = spec.requestBody?.content["application/json"];
  if (body) {
    const area = document.createElement("textarea");
    area.value = pretty(example(body, all) ?? {});
    inside.append(make("h3", "", "Body"), area);
  }
  const output = make("pre", "");
  output.hidden = true;
  const button = make("button", "", "Try it");
  button.addEventListener("click", () => {
    output.hidden = false;
    attempt(verb, path, inside, output);
  });
  inside.append(button, output, make("h3", "", "Answers"));
  for (const [status, answer] of Object.entries(spec.responses)) {
    inside.append(make("div", "", make("b", "", status), ` ${answer.description}`));
    const [type, content] = Object.entries(answer.content ?? {})[0] ?? [];
    const sample = content && status < 400 ? example(content, all) : undefined;
    if (sample !== undefined) inside.append(make("div", "muted", type), block(sample));
  }
  details.append(inside);
  return details;
}

function problem({ type, status, meaning }) {
  const row = make("tr", "", make("th", "", type.split("#")[1]), make("td", "", String(status)),
    make("td", "muted", meaning));
  row.id = type.split("#")[1];
  return row;
}

async function render() {
  const document_ = await (await fetch("/openapi.json")).json();
  const all = document_.components.schemas, groups = new Map();
  document.getElementById("description").textContent = document_.info.description;
  document.getElementById("token").hidden = !document_.components.securitySchemes;
  for (const [path, verbs] of Object.entries(document_.paths)) {
    for (const [verb, spec] of Object.entries(verbs)) {
      const tag = spec.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(verb, path, spec, all));
    }
  }
  const list = document.getElementById("operations");
  for (const [tag, operations] of groups) list.append(make("h2", "", tag), ...operations);
  list.append(make("h2", "", "problems"),
    make("div", "card", make("table", "", ...document_["x-problems"].map(problem))));
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  if (wanted) { wanted.open = true; wanted.scrollIntoView(); }
}

render();
