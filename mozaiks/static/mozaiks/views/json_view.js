// Any JSON value as something to read: headings, key-values, tables, cards, lists. Text stays text.
import { h } from "./dom.js";
import { lineChart } from "./chart.js";
import { columnsOf, gist, headingOf, isMuch, isNumeric, isRecord, sections, seriesOf, shapeOf } from "../json_shape.js";
import { isShare, scalar, title } from "../format.js";

const DEEPEST = 12;

/** The element for a value under `key`; `level` is the heading level its parts start at. */
export function jsonView(value, { key = "", level = 3, depth = 0 } = {}) {
  if (depth > DEEPEST) return h("pre", { class: "code" }, JSON.stringify(value, null, 2));
  const inside = { key, level, depth: depth + 1 };
  switch (shapeOf(value)) {
    case "object":
      return objectView(value, inside);
    case "table":
      return tableView(value, inside);
    case "cards":
      return h("div", { class: "cards" }, value.map((record, at) => recordCard(record, at, { ...inside, folded: isMuch(value) })));
    case "chips":
      return h("ul", { class: "chips" }, value.map((entry) => h("li", {}, scalar(entry, key))));
    case "list":
      return h("ul", { class: "bullets" }, value.map((entry) => h("li", {}, jsonView(entry, inside))));
    case "text":
      return h("div", { class: "prose" }, value.split(/\n{2,}/).map((paragraph) => h("p", {}, paragraph)));
    case "empty":
      return h("span", { class: "none" }, "None");
    default:
      return scalarView(value, key);
  }
}

function objectView(object, { level, depth }) {
  const { plain, nested } = sections(object);
  const parts = [];
  if (plain.length) {
    parts.push(
      h("dl", { class: "facts" }, plain.map(([name, value]) => h("div", {}, h("dt", {}, title(name)), h("dd", {}, jsonView(value, { key: name, level, depth }))))),
    );
  }
  for (const [name, value, shape] of nested) {
    const tag = `h${Math.min(6, level)}`;
    const many = Array.isArray(value) ? h("span", { class: "count" }, String(value.length)) : null;
    const body = jsonView(value, { key: name, level: level + 1, depth });
    parts.push(h("section", { class: `part ${shape}` }, h(tag, {}, title(name), many), body));
  }
  return h("div", { class: "object" }, parts);
}

function recordCard(record, at, { level, depth, folded }) {
  if (!isRecord(record)) return h("div", { class: "card" }, jsonView(record, { level, depth }));
  const { heading, rest } = headingOf(record);
  const tag = `h${Math.min(6, level)}`;
  const id = record.id !== undefined && String(record.id) !== heading ? String(record.id) : null;
  const { id: _, ...shown } = rest;
  const fields = id ? shown : rest;
  const head = h(tag, {}, id ? h("span", { class: "id" }, id) : null, heading ?? `No. ${at + 1}`);
  const body = Object.keys(fields).length ? objectView(fields, { level: level + 1, depth }) : null;
  if (!folded || !body) return h("div", { class: "card record" }, head, body);
  const short = gist(fields).map(([key, value]) => h("span", {}, `${title(key)}: ${scalar(value, key)}`));
  return h("details", { class: "card record folded" }, h("summary", {}, head, h("span", { class: "gist soft small" }, short)), body);
}

function tableView(records, { level, depth }) {
  const columns = columnsOf(records);
  const numeric = new Set(columns.filter((column) => isNumeric(records, column)));
  const head = h("tr", {}, columns.map((column) => h("th", { scope: "col", class: numeric.has(column) ? "number" : null }, title(column))));
  const rows = records.map((record) =>
    h("tr", {}, columns.map((column) => h("td", { class: numeric.has(column) ? "number" : String(record[column] ?? "").length > 40 ? "long" : null }, cell(record[column], column, { level, depth })))),
  );
  const table = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table" }, h("table", {}, h("thead", {}, head), h("tbody", {}, rows)));
  const drawn = seriesOf(records);
  return drawn ? h("div", { class: "stack" }, lineChart(records, drawn), table) : table;
}

function cell(value, column, inside) {
  if (Array.isArray(value)) return value.length ? value.map((entry) => scalar(entry, column)).join(", ") : "–";
  if (typeof value === "number" && value >= 0 && isShare(column, value) && /weight|share|allocation/i.test(column)) {
    const fill = h("i", { class: "bar" });
    fill.style.width = `${Math.max(2, Math.min(100, value * 100))}%`;
    return h("span", { class: "barred" }, h("span", { class: "track", "aria-hidden": "true" }, fill), scalar(value, column));
  }
  return typeof value === "object" && value !== null ? jsonView(value, { key: column, ...inside }) : scalar(value, column);
}

function scalarView(value, key) {
  const told = scalar(value, key);
  const exact = typeof value === "number" && String(value) !== told ? String(value) : null;
  return h("span", { class: value === null || value === "" ? "none" : null, title: exact }, told);
}
