// What one chat looks like: a pure function of its events and of the text that is still being written.
//
// The one rule: `items` is a fold of the log and of nothing else, so live events, a replay and a page loaded
// later end in the same transcript. Unfinished text lives beside it in `streaming`.

/** A transcript that holds nothing yet; the first event it accepts is `from`. */
export function empty(epoch = null, from = 1) {
  return {
    epoch,
    from,
    seq: from - 1,
    behind: false,
    log: [],
    items: [],
    streaming: [],
    run: null,
    speaker: null,
    status: null,
    paused: null,
    failed: null,
  };
}

/** One event of the log. A number already held changes nothing; a hole marks the transcript `behind`. */
export function apply(transcript, event) {
  if (event.epoch !== transcript.epoch) return { ...empty(event.epoch), behind: true }; // rewritten: start again
  if (event.seq <= transcript.seq) return isLateRequest(transcript, event) ? insert(transcript, [event]) : transcript;
  if (event.seq > transcript.seq + 1) return { ...transcript, behind: true }; // missed some: ask again
  const next = reduce({ ...transcript, log: [...transcript.log, event] }, event);
  return { ...next, seq: event.seq, behind: false };
}

/** The start of a replay: goes on where the transcript ends, or starts again where it cannot. */
export function beginReplay(transcript, { epoch, from }) {
  if (transcript && transcript.epoch === epoch && from <= transcript.seq + 1) return { ...transcript, behind: false };
  return empty(epoch, Math.max(1, from));
}

/** Older events from a page of the transcript, put before what is held; `from` is the first number now held. */
export function prepend(transcript, events, from) {
  return { ...insert(transcript, events), from: Math.min(transcript.from, Math.max(1, from)) };
}

/** A `chat.delta`: text of a message that is not in the log yet. */
export function stream(transcript, delta) {
  const { message_id: id, agent } = delta;
  if (transcript.items.some((item) => item.kind === "message" && item.id === id)) return transcript; // it is final
  const held = transcript.streaming.find((message) => message.id === id);
  const message = held ?? { kind: "message", key: id, id, role: "assistant", agent, ...UNWRITTEN };
  const longer = extend(message, delta);
  if (longer === held) return transcript;
  const streaming = held
    ? transcript.streaming.map((other) => (other === held ? longer : other))
    : [...transcript.streaming, longer];
  return { ...transcript, streaming };
}

const UNWRITTEN = { text: "", length: 0, attempt: -1, final: false, visible: true, torn: false };

/** `message` with a delta put on, where it fits; `torn` when one before it is missing. */
export function extend(message, { attempt, offset, text }) {
  if (message.final || attempt < message.attempt) return message; // the final text won, or a stale writer
  if (offset === 0) return { ...message, attempt, text, length: codePoints(text), torn: false };
  if (attempt > message.attempt) return { ...message, attempt, text: "", length: 0, torn: true };
  if (offset < message.length) return message; // a copy
  if (offset > message.length) return message.torn ? message : { ...message, torn: true }; // a hole heals later
  return { ...message, text: message.text + text, length: message.length + codePoints(text), torn: false };
}

/** The length as the server counts it. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The requests that wait for a person, oldest first. */
export function openRequests(transcript) {
  return transcript.items.filter((item) => item.kind === "input" && item.status === "open");
}

/** The newest version of each artifact that the transcript mentions, newest last. */
export function artifactsOf(transcript) {
  const newest = new Map();
  for (const item of transcript.items) {
    if (item.kind !== "artifact") continue;
    newest.delete(item.artifactId);
    newest.set(item.artifactId, item);
  }
  return [...newest.values()];
}

/** The state of one version of an artifact, where an event that is held carries it. */
export function versionOf(transcript, artifactId, version) {
  const event = transcript?.log.find(
    ({ type, data }) => type === "chat.artifact" && data.artifact_id === artifactId && data.version === version && data.state,
  );
  return event?.data.state ?? null;
}

/** One entry of the transcript endpoint as an event: it gives events, or bare messages. */
export function fromPage(entry, epoch) {
  const seq = entry.seq ?? entry.sequence;
  if (typeof entry.type === "string" && entry.data) return { ...entry, seq, epoch: entry.epoch ?? epoch };
  const { event_id, timestamp, source, ...data } = entry;
  return { type: "chat.text", seq, epoch, event_id, timestamp, source, data: { visible: true, ...data } };
}

function insert(transcript, events) {
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  for (const event of transcript.log) bySeq.set(event.seq, event);
  const log = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  const start = { ...empty(transcript.epoch, transcript.from), streaming: transcript.streaming };
  const folded = log.reduce(reduce, start);
  return { ...folded, log, seq: transcript.seq, behind: transcript.behind, items: reuse(transcript.items, folded.items) };
}

// An item made from the same events is the same item, so what a person typed into its form stays.
function reuse(before, after) {
  const known = new Map(before.map((item) => [item.key, item]));
  return after.map((item) => (known.get(item.key)?.rev === item.rev ? known.get(item.key) : item));
}

function isLateRequest(transcript, { type, seq }) {
  return type === "chat.input_request" && seq < transcript.from && !transcript.log.some((event) => event.seq === seq);
}

function reduce(transcript, event) {
  const reducer = REDUCERS[event.type];
  return reducer ? reducer(transcript, event.data ?? {}, event) : transcript;
}

const REDUCERS = {
  "chat.text": (transcript, data, event) => {
    const text = typeof data.content === "string" ? data.content : "";
    return put(without(transcript, data.message_id), event, {
      kind: "message",
      key: data.message_id,
      id: data.message_id,
      role: data.role,
      agent: data.agent,
      text,
      length: codePoints(text),
      visible: data.visible !== false,
      partial: data.partial === true,
      structured: data.structured_output ?? null,
      metadata: data.metadata ?? null,
      final: true,
    });
  },
  "chat.workflow_started": (transcript, data, event) =>
    put(transcript, event, { kind: "note", key: `note:${event.seq}`, tone: "plain", text: `${data.workflow_name} started` }),
  "chat.run_start": (transcript, data) => ({
    ...transcript,
    run: { id: data.run_id, cause: data.cause },
    failed: null,
  }),
  "chat.run_complete": (transcript, data, event) => {
    const ended = { ...transcript, run: null, speaker: null, streaming: [] };
    if (data.status === "cancelled") {
      return put(ended, event, { kind: "note", key: `note:${event.seq}`, tone: "plain", text: "Stopped" });
    }
    if (data.status !== "failed") return ended;
    const text = sentence(data.reason, "The run failed.");
    const last = transcript.items.at(-1);
    if (last?.tone === "failed" && last.text === text) return { ...ended, failed: text }; // its chat.error said so
    return { ...put(ended, event, { kind: "note", key: `note:${event.seq}`, tone: "failed", text }), failed: text };
  },
  "chat.select_speaker": (transcript, data) => ({ ...transcript, speaker: data.agent }),
  "chat.tool_call": (transcript, data, event) =>
    put(transcript, event, {
      kind: "tool",
      key: `tool:${data.tool_call_id}`,
      name: data.tool_name,
      arguments: data.arguments,
      status: "running",
    }),
  "chat.tool_response": (transcript, data, event) =>
    put(transcript, event, {
      kind: "tool",
      key: `tool:${data.tool_call_id}`,
      status: data.status,
      result: data.result,
      error: data.error,
    }),
  "chat.input_request": (transcript, data, event) =>
    put(transcript, event, {
      kind: "input",
      key: `input:${data.input_request_id}`,
      id: data.input_request_id,
      ask: data.kind,
      prompt: data.prompt,
      schema: data.schema ?? null,
      options: data.options ?? null,
      expiresAt: data.expires_at ?? null,
      status: "open",
    }),
  "chat.input_resolved": (transcript, data, event) => {
    const key = `input:${data.input_request_id}`;
    if (!transcript.items.some((item) => item.key === key)) return transcript; // asked before what is held
    return put(transcript, event, { key, status: data.status, response: data.response ?? null, by: data.by ?? null });
  },
  "chat.artifact": (transcript, data, event) =>
    put(transcript, event, {
      kind: "artifact",
      key: `artifact:${data.artifact_id}:${data.version}:${data.operation}`,
      artifactId: data.artifact_id,
      type: data.artifact_type,
      version: data.version,
      operation: data.operation,
    }),
  "chat.paused": (transcript, data, event) =>
    put({ ...transcript, paused: { reason: data.reason } }, event, {
      kind: "note",
      key: `note:${event.seq}`,
      tone: "plain",
      text: PAUSES[data.reason] ?? "Paused",
    }),
  "chat.resumed": (transcript, data, event) =>
    put({ ...transcript, paused: null }, event, {
      kind: "note",
      key: `note:${event.seq}`,
      tone: "plain",
      text: "Resumed",
    }),
  "chat.status": (transcript, data, event) => {
    const after = { ...transcript, status: data.status };
    const note = { kind: "note", key: `note:${event.seq}` };
    if (data.status === "COMPLETED") return put(after, event, { ...note, tone: "done", text: "Workflow completed" });
    if (data.status === "FAILED") return put(after, event, { ...note, tone: "failed", text: "Workflow failed" });
    return after;
  },
  "chat.error": (transcript, data, event) =>
    put(transcript, event, {
      kind: "note",
      key: `note:${event.seq}`,
      tone: "failed",
      text: sentence(data.message, "Something went wrong."),
    }),
};

const PAUSES = {
  user: "Paused by you",
  general_mode: "Paused while you ask Mozaiks",
  budget: "Paused: the budget is used up",
};

// Adds an item, or changes the one with that key; `rev` names the events that made it.
function put(transcript, event, change) {
  const at = transcript.items.findLastIndex((item) => item.key === change.key);
  const stamp = { seq: event.seq, at: event.timestamp ?? null, source: event.source ?? null };
  if (at < 0) return { ...transcript, items: [...transcript.items, { ...stamp, ...change, rev: `${event.seq}` }] };
  const items = [...transcript.items];
  items[at] = { ...items[at], ...change, rev: `${items[at].rev},${event.seq}` };
  return { ...transcript, items };
}

function without(transcript, messageId) {
  if (!transcript.streaming.some((message) => message.id === messageId)) return transcript;
  return { ...transcript, streaming: transcript.streaming.filter((message) => message.id !== messageId) };
}

function sentence(text, otherwise) {
  return typeof text === "string" && text.trim() ? text : otherwise;
}
