// How values and names are told to a person. Pure; the one rule: what cannot be told nicely is told plainly.

const SMALL_WORDS = new Set(["id", "url", "api", "ai", "cagr", "usd", "eur"]);

/** `expected_return`, `expectedReturn`, `risk-notes` as a heading: "Expected return". */
export function title(key) {
  const words = String(key)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[\s_-]+/)
    .filter(Boolean)
    .map((word) => (SMALL_WORDS.has(word.toLowerCase()) ? word.toUpperCase() : word));
  if (!words.length) return "";
  const told = words.map((word) => (/^[A-Z0-9]+$/.test(word) ? word : word.toLowerCase())).join(" ");
  return told[0].toUpperCase() + told.slice(1);
}

/** An agent's name as a person's: `risk_reviewer` is "Risk Reviewer". */
export function agentName(name) {
  return title(name).replace(/(^|\s)(\S)/g, (_, space, first) => space + first.toUpperCase());
}

const SHARE = /(^|_)(weight|share|percent|percentage|probability|likelihood|chance|volatility|return|drawdown|cagr|drag|rate|inflation|yield)(_|$)/i;
const COUNT_OF_TIME = /(^|_)(year|as_of|id|version|seq)(_|$)/i;

/** True where a number between -1 and 1 under this name is a share of one. */
export function isShare(key, value) {
  return typeof value === "number" && Math.abs(value) <= 1 && SHARE.test(String(key)) && !Number.isInteger(value);
}

/** A number with the reader's separators; shares as percent, years without separators. */
export function number(value, key = "", locale = undefined) {
  if (!Number.isFinite(value)) return String(value);
  if (isShare(key, value)) {
    return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 }).format(value);
  }
  if (Number.isInteger(value) && COUNT_OF_TIME.test(String(key))) return String(value);
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 1 ? 2 : 4;
  return new Intl.NumberFormat(locale, { maximumFractionDigits: Number.isInteger(value) ? 0 : digits }).format(value);
}

/** One scalar as text. */
export function scalar(value, key = "", locale = undefined) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number") return number(value, key, locale);
  return String(value);
}

const STATES = {
  idle: "Ready",
  queued: "Queued",
  running: "Working",
  waiting: "Needs you",
  pausing: "Pausing",
  paused: "Paused",
  failed: "Failed",
  completed: "Completed",
};

/** The state of a tab: its status where that is final, else what its run does. */
export function stateOf(tab) {
  if (tab.status === "COMPLETED") return "completed";
  if (tab.status === "FAILED") return "failed";
  if (tab.waiting > 0 && !["paused", "pausing"].includes(tab.run_state)) return "waiting";
  return tab.run_state ?? "idle";
}

/** A state of `stateOf` in words. */
export function stateWord(state) {
  return STATES[state] ?? title(state);
}

/** The time of day today, else the day. */
export function when(timestamp, now = new Date(), locale = undefined) {
  const at = new Date(timestamp);
  if (!timestamp || Number.isNaN(at.getTime())) return "";
  if (at.toDateString() === now.toDateString()) {
    return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(at);
  }
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", ...year }).format(at);
}

/** "1 workflow", "2 workflows". */
export function count(many, noun) {
  return `${many} ${noun}${many === 1 ? "" : "s"}`;
}

/** One of `many` stable numbers for a name: the same agent has the same colour everywhere. */
export function hue(name, many = 6) {
  let sum = 7;
  for (const char of String(name)) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return sum % many;
}
