// The OpenAPI document as a page; nothing is fetched from elsewhere.
import { h } from "./views/dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const root = document.getElementById("paths");

try {
  const response = await fetch("/api/schema?format=json", { credentials: "same-origin", headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const { paths, components } = await response.json();
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => operationView(path, method, item[method], components)),
  );
  root.replaceChildren(...operations);
} catch (error) {
  root.replaceChildren(h("p", { class: "problem" }, `The document could not be read. ${error.message}`));
}

function operationView(path, method, operation, components) {
  const text = [operation.summary, operation.description].filter(Boolean).join("\n");
  const parameters = (operation.parameters ?? []).map(({ name, in: place, required, schema }) =>
    h("tr", {}, h("td", {}, h("code", {}, name)), h("td", {}, place), h("td", {}, schema?.type ?? ""), h("td", {}, required ? "required" : "")),
  );
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const answers = Object.entries(operation.responses ?? {}).map(([status, { description }]) => h("li", {}, h("strong", {}, status), ` ${description ?? ""}`));
  return h(
    "details",
    { class: "card operation" },
    h("summary", {}, h("span", { class: "pill" }, method.toUpperCase()), h("code", {}, path)),
    text ? h("p", { class: "soft" }, text) : null,
    parameters.length ? h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, parameters))) : null,
    body ? h("pre", { class: "code" }, JSON.stringify(resolve(body, components), null, 2)) : null,
    h("ul", {}, answers),
  );
}

function resolve(schema, components) {
  const name = schema.$ref?.split("/").at(-1);
  return name ? (components?.schemas?.[name] ?? schema) : schema;
}
