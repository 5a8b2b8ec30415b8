// A form from a JSON schema: which fields there are, and the value that what was typed makes. Pure.
//
// The one rule: a schema this page has no field for is still answerable, as JSON.

/** The fields of an object schema: `{name, path, label, type, required, help, initial, options, …}`. */
export function fieldsOf(schema, path = [], root = schema) {
  const resolved = resolve(schema, root);
  const required = new Set(resolved?.required ?? []);
  return Object.entries(resolved?.properties ?? {}).map(([name, property]) =>
    fieldOf(name, property, [...path, name], required.has(name), root),
  );
}

/** `{value, errors}` of what was typed, as `{"a.b": "text"}`; `errors` has a sentence by field path. */
export function readForm(fields, typed) {
  const value = {};
  const errors = {};
  for (const field of fields) {
    if (field.type === "group") {
      const inner = readForm(field.fields, typed);
      value[field.name] = inner.value;
      Object.assign(errors, inner.errors);
      continue;
    }
    const key = field.path.join(".");
    try {
      const read = readField(field, typed[key]);
      if (read !== undefined) value[field.name] = read;
      else if (field.required) errors[key] = `${field.label} is needed.`;
    } catch (error) {
      errors[key] = error.message;
    }
  }
  return { value, errors };
}

function fieldOf(name, schema, path, required, root) {
  const { schema: property, nullable } = unwrap(schema, root);
  const field = {
    name,
    path,
    label: property.title ?? labelOf(name),
    help: property.description ?? "",
    required: required && !nullable,
    initial: schema.default ?? property.default,
    type: "text",
  };
  if (property.enum || property.const !== undefined) {
    return { ...field, type: "select", options: property.enum ?? [property.const] };
  }
  switch (property.type) {
    case "boolean":
      return { ...field, type: "boolean" };
    case "integer":
    case "number":
      return {
        ...field,
        type: property.type,
        min: property.minimum ?? property.exclusiveMinimum,
        max: property.maximum ?? property.exclusiveMaximum,
      };
    case "array": {
      const { schema: entry } = unwrap(property.items ?? {}, root);
      if (entry.enum) return { ...field, type: "choices", options: entry.enum, max: property.maxItems, min: property.minItems };
      if (["string", "number", "integer", undefined].includes(entry.type) && !entry.properties) {
        return { ...field, type: "lines", of: entry.type ?? "string", max: property.maxItems, min: property.minItems };
      }
      return { ...field, type: "json" };
    }
    case "object":
      if (property.properties) return { ...field, type: "group", fields: fieldsOf(property, path, root) };
      return { ...field, type: "json" };
    case "string":
    case undefined: {
      if (property.type === undefined && (property.anyOf || property.oneOf)) return { ...field, type: "json" };
      const long = (property.maxLength ?? 0) > 160 || /description|notes|comment|brief|text|goal/i.test(name);
      const type = { date: "date", email: "email", uri: "url", time: "time" }[property.format] ?? (long ? "long" : "text");
      return { ...field, type, maxLength: property.maxLength, minLength: property.minLength };
    }
    default:
      return { ...field, type: "json" };
  }
}

function readField(field, typed) {
  if (field.type === "boolean") return typed === true || typed === "true" || (typed === undefined ? false : typed === "on");
  if (field.type === "choices") return within(field, Array.isArray(typed) ? typed : []);
  const text = typeof typed === "string" ? typed.trim() : "";
  if (field.type === "lines") {
    const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
    return within(field, field.of === "string" ? lines : lines.map((line) => numberOf(field, line)));
  }
  if (!text) return undefined;
  if (field.type === "select") return field.options.find((option) => String(option) === text);
  if (field.type === "number" || field.type === "integer") return numberOf(field, text);
  if (field.type === "json") {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`${field.label} is not valid JSON.`);
    }
  }
  if (field.minLength && text.length < field.minLength) {
    throw new Error(`${field.label} needs at least ${field.minLength} characters.`);
  }
  return text;
}

function within(field, entries) {
  if (!entries.length && !field.required) return entries;
  if (entries.length < (field.min ?? (field.required ? 1 : 0))) {
    throw new Error(`${field.label} needs at least ${field.min ?? 1}.`);
  }
  if (field.max !== undefined && entries.length > field.max) throw new Error(`${field.label} takes at most ${field.max}.`);
  return entries;
}

function numberOf(field, text) {
  const value = Number(text.replace(/[\s_]/g, "").replace(/,(?=\d{3}(\D|$))/g, "").replace(",", "."));
  if (!Number.isFinite(value)) throw new Error(`${field.label} must be a number.`);
  if ((field.type === "integer" || field.of === "integer") && !Number.isInteger(value)) {
    throw new Error(`${field.label} must be a whole number.`);
  }
  if (field.type === "lines") return value;
  if (field.min !== undefined && value < field.min) throw new Error(`${field.label} must be at least ${field.min}.`);
  if (field.max !== undefined && value > field.max) throw new Error(`${field.label} must be at most ${field.max}.`);
  return value;
}

// `Optional[X]` is `anyOf: [X, null]`, or `type: [X, "null"]`.
function unwrap(schema, root) {
  const resolved = resolve(schema, root) ?? {};
  if (Array.isArray(resolved.type)) {
    const types = resolved.type.filter((type) => type !== "null");
    return { schema: { ...resolved, type: types[0] }, nullable: types.length < resolved.type.length };
  }
  const options = resolved.anyOf ?? resolved.oneOf ?? (resolved.allOf?.length === 1 ? resolved.allOf : null);
  if (!options) return { schema: resolved, nullable: false };
  const real = options.map((option) => resolve(option, root)).filter((option) => option?.type !== "null");
  if (real.length !== 1) return { schema: resolved, nullable: real.length < options.length };
  const { anyOf, oneOf, allOf, ...rest } = resolved;
  return { schema: { ...real[0], ...rest }, nullable: real.length < options.length };
}

function resolve(schema, root, depth = 0) {
  if (!schema?.$ref || depth > 8) return schema;
  const found = schema.$ref
    .replace(/^#\//, "")
    .split("/")
    .reduce((at, step) => at?.[step.replace(/~1/g, "/").replace(/~0/g, "~")], root);
  const { $ref, ...rest } = schema;
  return resolve({ ...found, ...rest }, root, depth + 1);
}

function labelOf(name) {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ").trim().toLowerCase();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
}
