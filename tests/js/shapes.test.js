// Forms from schemas, layouts for any JSON, and Markdown that is safe to show.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { headingOf, sections, seriesOf, shapeOf, unwrap } from "../../mozaiks/static/mozaiks/json_shape.js";
import { isSafe, toHtml } from "../../mozaiks/static/mozaiks/markdown.js";
import { fieldsOf, readForm } from "../../mozaiks/static/mozaiks/schema_form.js";

const SCHEMA = {
  type: "object",
  $defs: { Day: { enum: ["mon", "tue"], type: "string" } },
  properties: {
    who: { type: "string", title: "Who uses it?", minLength: 2 },
    people: { type: "integer", minimum: 1 },
    budget: { anyOf: [{ type: "number" }, { type: "null" }], default: null },
    day: { $ref: "#/$defs/Day" },
    needs: { type: "array", items: { type: "string" }, maxItems: 2 },
    days: { type: "array", items: { $ref: "#/$defs/Day" } },
    public: { type: "boolean" },
    from: { type: "string", format: "date" },
    place: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    anything: { type: "array", items: { type: "object" } },
  },
  required: ["who", "people"],
};

test("a schema becomes fields", () => {
  const fields = fieldsOf(SCHEMA);
  assert.deepEqual(fields.map(({ name, type }) => [name, type]), [
    ["who", "text"], ["people", "integer"], ["budget", "number"], ["day", "select"], ["needs", "lines"],
    ["days", "choices"], ["public", "boolean"], ["from", "date"], ["place", "group"], ["anything", "json"],
  ]);
  assert.equal(fields[0].label, "Who uses it?");
  assert.deepEqual(fields[3].options, ["mon", "tue"]);
});

test("what was typed becomes a value of the schema", () => {
  const typed = { who: " us ", people: "5", budget: "1,250.5", day: "tue", needs: "a\n\nb", days: ["mon"], public: true, from: "2025-01-02", "place.city": "Graz", anything: '[{"a":1}]' };
  const { value, errors } = readForm(fieldsOf(SCHEMA), typed);
  assert.deepEqual(errors, {});
  assert.deepEqual(value, { who: "us", people: 5, budget: 1250.5, day: "tue", needs: ["a", "b"], days: ["mon"], public: true, from: "2025-01-02", place: { city: "Graz" }, anything: [{ a: 1 }] });
});

test("what is wrong is said at its field, and empty optional fields are left out", () => {
  const { value, errors } = readForm(fieldsOf(SCHEMA), { people: "0", needs: "a\nb\nc", anything: "{" , "place.city": "x" });
  assert.deepEqual(Object.keys(errors).sort(), ["anything", "needs", "people", "who"]);
  assert.match(errors.people, /at least 1/);
  assert.equal("budget" in value, false);
});

test("every JSON value has a shape", () => {
  assert.equal(shapeOf(null), "scalar");
  assert.equal(shapeOf("x".repeat(200)), "text");
  assert.equal(shapeOf(["a", "b"]), "chips");
  assert.equal(shapeOf([{ a: 1, b: 2 }]), "table");
  assert.equal(shapeOf([{ a: 1, b: { c: 1 } }]), "cards");
  assert.equal(shapeOf([{ a: 1, b: "x".repeat(200) }]), "table", "one column may wrap");
  assert.equal(shapeOf([{ a: "y".repeat(200), b: "x".repeat(200) }]), "cards");
  assert.equal(shapeOf([[1], [2]]), "list");
  assert.equal(shapeOf([]), "empty");
  assert.equal(shapeOf({}), "empty");
  assert.equal(shapeOf({ a: 1 }), "object");
});

test("no field of an object is left out", () => {
  const object = { a: 1, b: [1], c: { d: 1 }, e: [{ f: { g: 1 } }], h: null };
  const { plain, nested } = sections(object);
  assert.deepEqual([...plain, ...nested].map(([key]) => key).sort(), Object.keys(object).sort());
});

test("a record's heading is its title, and a wrapper of one key is taken off", () => {
  assert.deepEqual(headingOf({ id: 1, title: "T", x: 2 }), { heading: "T", rest: { id: 1, x: 2 } });
  assert.deepEqual(unwrap({ workflow: { a: 1 } }), { a: 1 });
  assert.deepEqual(unwrap({ list: [1] }), { list: [1] });
});

test("numbers along an axis are drawn, others are not", () => {
  const rows = [0, 1, 2, 3].map((year) => ({ year, low: year, high: 2 * year }));
  assert.deepEqual(seriesOf(rows), { axis: "year", series: ["low", "high"] });
  assert.equal(seriesOf(rows.map(({ low, high }) => ({ weight: low, high }))), null);
  assert.equal(seriesOf([...rows].reverse()), null);
});

const HOSTILE = [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)", "![x](https://evil.example/pixel.png)", "<a href='javascript:alert(1)'>x</a>",
  "[x](https://ok.example/\"onmouseover=alert(1))", "`<script>`", "| <img src=x> |\n|---|\n| <iframe> |", "<svg/onload=alert(1)>",
  "<style>*{display:none}</style>", "<details open ontoggle=alert(1)>",
];
for (const hostile of HOSTILE) {
  test(`Markdown stays safe already before the sanitiser: ${hostile.slice(0, 40)}`, () => {
    const html = toHtml(hostile);
    assert.doesNotMatch(html, /<(script|img|iframe|svg|style|object|embed|details|form)\b/i);
    for (const [, href] of html.matchAll(/href="([^"]*)"/g)) assert.ok(isSafe(href), href);
    assert.doesNotMatch(html.replace(/"[^"]*"/g, '""'), /<[^>]*\son\w+=/i);
  });
}

test("Markdown is formatted", () => {
  assert.match(toHtml("**bold** and `code`"), /<strong>bold<\/strong>.*<code>code<\/code>/);
  assert.match(toHtml("# Title"), /<h3>Title<\/h3>/);
  assert.match(toHtml("| a |\n|---|\n| 1 |"), /<table>/);
  assert.match(toHtml("[x](https://example.com)"), /rel="noopener noreferrer nofollow"/);
  assert.equal(typeof toHtml("*".repeat(20_000)), "string");
});

test("the vendored libraries are the recorded ones", () => {
  const folder = new URL("../../mozaiks/static/mozaiks/vendor/", import.meta.url);
  const { libraries } = JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8"));
  const recorded = new Set(["manifest.json"]);
  for (const { name, version, licence, files } of libraries) {
    assert.ok(name && version && licence);
    for (const { path, sha256 } of files) {
      recorded.add(path);
      assert.equal(createHash("sha256").update(readFileSync(new URL(path, folder))).digest("hex"), sha256, path);
    }
  }
  assert.deepEqual(new Set(readdirSync(folder)), recorded);
});

test("every module import ends in a semicolon and names a file that is there", () => {
  const folder = new URL("../../mozaiks/static/mozaiks/", import.meta.url);
  const modules = [...readdirSync(folder), ...readdirSync(new URL("views/", folder)).map((name) => `views/${name}`)].filter((name) => name.endsWith(".js"));
  assert.ok(modules.length > 20);
  for (const name of modules) {
    const source = readFileSync(new URL(name, folder), "utf8");
    for (const [line, path] of source.matchAll(/^import .*?from "(.*)".*$/gm)) {
      assert.ok(line.endsWith(";"), `${name}: ${line}`);
      assert.ok(readFileSync(new URL(path, new URL(name, folder))), `${name}: ${path}`);
    }
  }
});
