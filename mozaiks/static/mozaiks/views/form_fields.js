// The fields of a form by JSON schema (schema_form.js), as elements.
import { h, setText } from "./dom.js";
import { fieldsOf, readForm } from "../schema_form.js";

const TYPES = { text: "text", date: "date", email: "email", url: "url", time: "time", number: "text", integer: "text" };

/** `{element, typed(), read()}`; `read()` is the value, or null after it showed what is wrong. */
export function formFields(schema, draft, id) {
  const fields = fieldsOf(schema);
  if (!fields.length) fields.push({ name: "text", path: ["text"], label: schema.title ?? "Your answer", help: "", required: true, type: "long" });
  const inputs = new Map(); // "a.b" -> {get, set, problem, control}
  const element = h("div", { class: "stack fields" }, fields.map((field) => fieldView(field, inputs, draft ?? {}, id)));
  const typed = () => Object.fromEntries([...inputs].map(([key, input]) => [key, input.get()]));
  return {
    element,
    typed,
    read() {
      const { value, errors } = readForm(fields, typed());
      let first = null;
      for (const [key, { problem, control }] of inputs) {
        setText(problem, errors[key] ?? "");
        problem.hidden = !errors[key];
        control.toggleAttribute("aria-invalid", Boolean(errors[key]));
        if (errors[key]) first ??= control;
      }
      first?.focus();
      return first ? null : value;
    },
  };
}

function fieldView(field, inputs, draft, id) {
  if (field.type === "group") {
    return h("fieldset", { class: "stack group" }, h("legend", {}, field.label), field.fields.map((inner) => fieldView(inner, inputs, draft, id)));
  }
  const key = field.path.join(".");
  const start = draft[key] ?? initialOf(field);
  const name = `${id}-${key}`;
  const problem = h("p", { class: "problem", hidden: true, id: `${name}-problem` });
  const help = field.help ? h("p", { class: "soft small" }, field.help) : null;
  const shared = { id: name, name: key, class: "field", "aria-describedby": `${name}-problem`, data: { testid: `field-${key}` } };
  const label = h("label", { class: "label", for: name }, field.label, field.required ? null : h("span", { class: "soft" }, " (optional)"));

  if (field.type === "choices") {
    const boxes = field.options.map((option) => h("input", { type: "checkbox", value: String(option), checked: [start].flat().includes(option) }));
    inputs.set(key, { get: () => field.options.filter((_, at) => boxes[at].checked), problem, control: boxes[0] });
    const rows = field.options.map((option, at) => h("label", { class: "check" }, boxes[at], h("span", {}, String(option))));
    return h("fieldset", { class: "group" }, h("legend", { class: "label" }, field.label), help, ...rows, problem);
  }
  if (field.type === "boolean") {
    const box = h("input", { ...shared, class: "", type: "checkbox", checked: start === true });
    inputs.set(key, { get: () => box.checked, problem, control: box });
    return h("div", {}, h("label", { class: "check" }, box, h("span", {}, field.label)), help, problem);
  }
  const control = controlOf(field, start, shared);
  inputs.set(key, { get: () => control.value, problem, control });
  return h("div", { class: "stack tight" }, label, help, control, problem);
}

function controlOf(field, start, shared) {
  if (field.type === "select") {
    const blank = h("option", { value: "" }, field.required ? "Choose…" : "–");
    const select = h("select", shared, blank, field.options.map((option) => h("option", { value: String(option) }, String(option))));
    select.value = start === undefined ? "" : String(start);
    return select;
  }
  if (field.type === "long" || field.type === "lines" || field.type === "json") {
    const placeholder = { lines: "One on each line", json: "JSON" }[field.type];
    return h("textarea", { ...shared, rows: field.type === "json" || !(field.maxLength <= 600) ? 3 : 1, value: start ?? "", placeholder, maxlength: field.maxLength, class: field.type === "json" ? "field mono" : "field" });
  }
  const inputmode = { number: "decimal", integer: "numeric" }[field.type];
  return h("input", { ...shared, type: TYPES[field.type] ?? "text", inputmode, value: start ?? "", maxlength: field.maxLength });
}

function initialOf({ initial, type }) {
  if (initial === undefined || initial === null) return undefined;
  if (type === "lines") return [initial].flat().join("\n");
  if (type === "json") return JSON.stringify(initial, null, 2);
  return type === "boolean" || type === "choices" ? initial : String(initial);
}
