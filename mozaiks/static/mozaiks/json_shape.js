// How any JSON value is best laid out. Pure; the one rule: nothing of the value is left out.

const LONG = 64; // characters that fit a table's cell on one line or two
const LONGEST = 240; // and those that fit where one column of a table may wrap
const MOST_COLUMNS = 7;

/** "scalar", "text", "chips", "list", "table", "cards", "object" or "empty". */
export function shapeOf(value) {
  if (value === null || value === undefined || value === "") return "scalar";
  if (Array.isArray(value)) return shapeOfList(value);
  if (typeof value === "object") return Object.keys(value).length ? "object" : "empty";
  return typeof value === "string" && (value.length > 90 || value.includes("\n")) ? "text" : "scalar";
}

function shapeOfList(list) {
  if (!list.length) return "empty";
  if (list.every(isRecord)) {
    const columns = columnsOf(list);
    if (columns.length < 2 || columns.length > MOST_COLUMNS) return "cards";
    const long = columns.filter((column) => !list.every((record) => fitsCell(record[column])));
    const fits = long.every((column) => list.every((record) => fitsCell(record[column], LONGEST)));
    return !long.length || (long.length === 1 && fits && columns.length <= 6) ? "table" : "cards"; // one column may wrap
  }
  if (list.every((entry) => !isNested(entry))) {
    return list.length <= 24 && list.every((entry) => String(entry).length <= 28) ? "chips" : "list";
  }
  return "list";
}

/** The names of all the records' fields, in the order they are first seen. */
export function columnsOf(records) {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

/** True where every value of the column that is there is a number. */
export function isNumeric(records, column) {
  const values = records.map((record) => record[column]).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every((value) => typeof value === "number");
}

/** A record's heading, and the fields that are left: `{heading, rest}`. */
export function headingOf(record) {
  const key = ["title", "name", "label", "criterion", "asset", "risk", "type", "id"].find(
    (name) => ["string", "number"].includes(typeof record[name]) && String(record[name]).length <= 160 && record[name] !== "",
  );
  if (!key) return { heading: null, rest: record };
  const { [key]: heading, ...rest } = record;
  return { heading: String(heading), rest };
}

/** An artifact's state without a wrapper of one key, so `{workflow: {…}}` shows the workflow. */
export function unwrap(state) {
  if (!isRecord(state)) return state;
  const keys = Object.keys(state);
  return keys.length === 1 && isRecord(state[keys[0]]) ? state[keys[0]] : state;
}

/** The fields of an object: first those that are one value, then those that are more. */
export function sections(object) {
  const plain = [];
  const nested = [];
  for (const [key, value] of Object.entries(object)) {
    const shape = shapeOf(value);
    (["scalar", "chips", "empty"].includes(shape) ? plain : nested).push([key, value, shape]);
  }
  return { plain, nested };
}

/** Series to draw for records that go along one axis: `{axis, series: [column]}`, or null. */
export function seriesOf(records) {
  if (records.length < 4) return null;
  const columns = columnsOf(records).filter((column) => isNumeric(records, column));
  const [axis, ...rest] = columns;
  if (!axis || !/^(year|month|day|week|period|step|x|t|time|quarter)$/i.test(axis)) return null;
  const rising = records.every((record, at) => !at || record[axis] > records[at - 1][axis]);
  const series = rest.filter((column) => records.every((record) => Number.isFinite(record[column]))).slice(0, 5);
  return rising && series.length ? { axis, series } : null;
}

export function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNested(value) {
  return typeof value === "object" && value !== null;
}

function fitsCell(value, most = LONG) {
  if (Array.isArray(value)) return value.length <= 6 && value.every((entry) => !isNested(entry)) && value.join(", ").length <= most;
  return !isNested(value) && String(value ?? "").length <= most;
}

/** True where a list of cards is so much that each is better folded to its heading. */
export function isMuch(records) {
  return records.length > 3 && JSON.stringify(records).length > 2_400;
}

/** The fields of a record that tell most in one line: short scalars, at most three. */
export function gist(record) {
  return Object.entries(record)
    .filter(([key, value]) => key !== "id" && ["string", "number"].includes(typeof value) && String(value).length <= 24 && value !== "")
    .slice(0, 3);
}
