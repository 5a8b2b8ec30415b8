// A line chart for records along an axis. It adds to the table under it and never replaces it.
import { h } from "./dom.js";
import { number, title } from "../format.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [560, 220, 56, 26, 10, 10];

/** An SVG figure of `series` over `axis`, with a legend in words. */
export function lineChart(records, { axis, series }) {
  const values = series.flatMap((column) => records.map((record) => record[column]));
  const low = Math.min(0, ...values);
  const high = Math.max(...values) || 1;
  const [first, last] = [records[0][axis], records.at(-1)[axis]];
  const x = (value) => LEFT + ((value - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - BOTTOM - TOP);
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": `${series.map(title).join(", ")} by ${title(axis).toLowerCase()}` });
  for (let step = 0; step <= 4; step += 1) {
    const value = low + ((high - low) * step) / 4;
    chart.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "grid" }));
    chart.append(label(compact(value), LEFT - 8, y(value) + 4, "end"));
  }
  chart.append(label(`${title(axis)} ${number(first, axis)}`, LEFT, HEIGHT - 6, "start"));
  chart.append(label(`${title(axis)} ${number(last, axis)}`, WIDTH - RIGHT, HEIGHT - 6, "end"));
  series.forEach((column, at) => {
    const points = records.map((record) => `${x(record[axis]).toFixed(1)},${y(record[column]).toFixed(1)}`).join(" ");
    chart.append(svg("polyline", { points, class: `line series-${at}` }));
  });
  const legend = h("ul", { class: "legend" }, series.map((column, at) => h("li", {}, h("i", { class: `swatch series-${at}`, "aria-hidden": "true" }), title(column))));
  return h("figure", { class: "figure" }, chart, legend);
}

function label(text, x, y, anchor) {
  const element = svg("text", { x, y, "text-anchor": anchor, class: "tick" });
  element.textContent = text;
  return element;
}

function compact(value) {
  return new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
