// The page's client against a server by hand: what came is what is shown, and what is asked is asked once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { INITIAL, createClient } from "../../mozaiks/static/mozaiks/client.js";
import { createStore } from "../../mozaiks/static/mozaiks/store.js";
import { viewed } from "../../mozaiks/static/mozaiks/session.js";

const tab = (id, more = {}) => ({ chat_id: id, kind: "workflow", workflow_name: "Helper", label: id, status: "IN_PROGRESS", run_state: "idle", last_seq: 0, epoch: "e", unread: 0, waiting: 0, created_at: "2025-01-01T00:00:00Z", ...more });
const said = (chat, seq, content, more = {}) => ({ type: "chat.text", chat_id: chat, epoch: "e", seq, event_id: `${chat}${seq}`, timestamp: "2025-01-01T00:00:00Z", source: "user", data: { message_id: `${chat}-m${seq}`, role: "user", agent: "user", content, visible: true, ...more } });

function page({ sessions = [], metas = {}, artifacts = {}, pages = {} } = {}) {
  const sockets = [];
  const asked = [];
  const held = new Map();
  const storage = { getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value), removeItem: (key) => held.delete(key) };
  const store = createStore(INITIAL);
  const api = {
    sessions: async () => (asked.push("sessions"), { sessions }),
    generalChats: async () => (asked.push("generalChats"), { sessions: [] }),
    available: async () => ({ workflows: [] }),
    meta: async (_, id) => (asked.push(`meta ${id}`), metas[id] ?? { exists: true, chat_id: id }),
    artifact: async (id) => (asked.push(`artifact ${id}`), artifacts[id]),
    transcript: async (_, id, after, limit) => (asked.push(`page ${after} ${limit}`), { events: pages[id] ?? [] }),
  };
  const client = createClient({
    store,
    api,
    storage,
    open: () => {
      const socket = { sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close: () => {} };
      sockets.push(socket);
      return socket;
    },
    clock: { setTimeout: () => 0, clearTimeout: () => {} },
    random: () => 0,
  });
  client.start();
  const it = {
    client, store, asked, held, sockets,
    get socket() {
      return sockets.at(-1);
    },
    sent: (type) => it.socket.sent.filter((frame) => frame.type === type),
    say: (frame) => it.socket.onmessage({ data: JSON.stringify(frame) }),
    answer(type, data, ok = true) {
      const frame = it.sent(type).at(-1);
      it.say(ok ? { type: "result", re: frame.id, ok, data } : { type: "result", re: frame.id, ok, error: data });
      return new Promise((resolve) => setImmediate(resolve));
    },
    async welcome(state) {
      it.socket.onopen();
      await it.answer("session.hello", { session_version: 1, mode: "workflow", active_chat_id: null, general_chat_id: null, tabs: [], limits: {}, model: null, ...state });
    },
    replay(chat, from, events, more = {}) {
      it.say({ type: "replay.begin", chat_id: chat, epoch: "e", from, to: from + events.length - 1, ...more });
      for (const event of events) it.say({ ...event, replay: true });
      it.say({ type: "replay.end", chat_id: chat, epoch: "e", seq: from + events.length - 1 });
    },
    texts: (chat) => store.state.transcripts[chat].items.map(({ text }) => text),
  };
  return it;
}

test("the first hello has no cursors, a later one has those of the followed chats", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  assert.equal("cursors" in it.sent("session.hello")[0], false);
  it.replay("a", 1, [said("a", 1, "one"), said("a", 2, "two")]);
  it.client.connection.retryNow();
  it.socket.onclose?.({ code: 1006 });
  it.client.connection.start();
  it.socket.onopen();
  assert.deepEqual(it.sent("session.hello")[0].cursors, { a: { epoch: "e", seq: 2 } });
});

test("a hole asks once with the cursor, and the answer heals it", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [said("a", 1, "one")]);
  it.say(said("a", 3, "three"));
  it.say(said("a", 4, "four"));
  const asked = it.sent("chat.open");
  assert.equal(asked.length, 1);
  assert.deepEqual(asked[0].cursor, { epoch: "e", seq: 1 });
  it.replay("a", 2, [said("a", 2, "two"), said("a", 3, "three"), said("a", 4, "four")]);
  assert.deepEqual(it.texts("a"), ["one", "two", "three", "four"]);
});

test("a heartbeat that is ahead asks for what is missing", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [said("a", 1, "one")]);
  it.say({ type: "heartbeat", session_version: 1, chats: { a: { epoch: "e", seq: 1 } } });
  assert.equal(it.sent("chat.open").length, 0);
  it.say({ type: "heartbeat", session_version: 2, chats: { a: { epoch: "e", seq: 2 } } });
  assert.equal(it.sent("chat.open").length, 1);
  assert.equal(it.sent("session.list").length, 1);
});

test("a gap starts the chat anew from the snapshot", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [said("a", 1, "old")]);
  it.say({ type: "replay.gap", chat_id: "a", reason: "expired", epoch: "e", min_seq: 5, last_seq: 6 });
  it.replay("a", 5, [said("a", 5, "five"), said("a", 6, "six")]);
  assert.deepEqual(it.texts("a"), ["five", "six"]);
});

test("a message is shown as pending until the log has it", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [said("a", 1, "one")]);
  it.client.commands.submit("a", "hi");
  assert.equal(it.store.state.pending[0].status, "pending");
  await it.answer("user.input.submit", { chat_id: "a", seq: 2, status: "accepted", run_id: "r" });
  assert.equal(it.store.state.pending[0].status, "accepted");
  it.say(said("a", 2, "hi"));
  assert.deepEqual(it.store.state.pending, []);
  assert.deepEqual(it.texts("a"), ["one", "hi"]);
});

test("the log may be quicker than the answer", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [said("a", 1, "one")]);
  it.client.commands.submit("a", "hi");
  it.say(said("a", 2, "hi"));
  assert.deepEqual(it.store.state.pending, [], "it is not shown twice meanwhile");
  await it.answer("user.input.submit", { chat_id: "a", seq: 2, status: "accepted" });
  assert.deepEqual(it.store.state.pending, []);
});

test("a refused message stays with the server's sentence and can be sent again", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.client.commands.submit("a", "hi");
  await it.answer("user.input.submit", { code: "BUDGET_EXCEEDED", message: "The budget is used up.", retryable: false }, false);
  const [failed] = it.store.state.pending;
  assert.equal(failed.error, "The budget is used up.");
  it.client.commands.retryPending(failed.id);
  assert.equal(it.store.state.pending[0].status, "pending");
  assert.equal(new Set(it.sent("user.input.submit").map(({ id }) => id)).size, 2);
});

test("a queued message is shown by the queue alone", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.client.commands.submit("a", "later");
  it.say({ type: "chat.queue", chat_id: "a", queue: [{ queued_id: "q", text: "later" }] });
  await it.answer("user.input.submit", { chat_id: "a", status: "queued", queued_id: "q" });
  assert.deepEqual(it.store.state.pending, []);
  assert.equal(it.store.state.queues.a.length, 1);
});

test("lists are read on load and on every mode change (B61, B62, B68)", async () => {
  const it = page({ sessions: [tab("a")] });
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  const loads = it.asked.filter((what) => what === "sessions").length;
  assert.ok(loads >= 1);
  it.say({ type: "chat.mode_changed", mode: "general", general_chat_id: "g", session_version: 2 });
  assert.equal(it.asked.filter((what) => what === "sessions").length, loads + 1);
  assert.equal(it.asked.filter((what) => what === "generalChats").length, loads + 1);
  assert.equal(viewed(it.store.state.session), "g");
});

test("leaving Ask without a current chat switches to the oldest workflow (B65)", async () => {
  const sessions = [tab("new", { created_at: "2025-02-01T00:00:00Z" }), tab("old", { created_at: "2024-02-01T00:00:00Z" })];
  const it = page({ sessions });
  await it.welcome({ mode: "general", general_chat_id: "g", tabs: [...sessions, tab("g", { kind: "general" })] });
  it.client.commands.leaveAsk();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(it.sent("chat.switch_workflow")[0].chat_id, "old");
  await it.answer("chat.switch_workflow", { from_chat_id: null, to_chat_id: "old", workflow_name: "Helper", artifact_id: null });
  assert.equal(viewed(it.store.state.session), "old");
});

test("a switch that is refused changes nothing, and a chat that is gone is dropped (B69)", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a"), tab("b")] });
  it.client.commands.switchTo("b");
  assert.equal(viewed(it.store.state.session), "b");
  await it.answer("chat.switch_workflow", { code: "NOT_FOUND", message: "No such chat.", retryable: false }, false);
  assert.equal(viewed(it.store.state.session), "a");
  assert.deepEqual(it.store.state.session.tabs.map(({ chat_id: id }) => id), ["a"]);
});

test("of two quick switches the newer one wins, whatever is answered when", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a"), tab("b"), tab("c")] });
  it.client.commands.switchTo("b");
  it.client.commands.switchTo("c");
  const [first] = it.sent("chat.switch_workflow");
  it.say({ type: "result", re: first.id, ok: true, data: { from_chat_id: "a", to_chat_id: "b" } });
  it.say({ type: "chat.context_switched", from_chat_id: "a", to_chat_id: "b", session_version: 2 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(viewed(it.store.state.session), "c");
  await it.answer("chat.switch_workflow", { from_chat_id: "b", to_chat_id: "c" });
  assert.equal(viewed(it.store.state.session), "c");
});

test("another window's switch is followed", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a"), tab("b")] });
  it.say({ type: "chat.context_switched", from_chat_id: "a", to_chat_id: "b", session_version: 2 });
  assert.equal(viewed(it.store.state.session), "b");
  assert.equal(it.sent("chat.open")[0].chat_id, "b");
});

test("a workflow that ended is not led back to (B69)", async () => {
  const it = page({ sessions: [tab("a")] });
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(it.store.state.workflowSessions.length, 1);
  it.say({ type: "session.updated", chat: tab("a", { status: "COMPLETED" }), session_version: 2 });
  assert.deepEqual(it.store.state.workflowSessions, []);
});

test("a chat deleted elsewhere leaves nothing behind", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.say({ type: "chat_meta", chat_id: "a", exists: true, last_artifact: { ui_tool_id: "Plan", payload: { x: 1 } }, artifact_instance_id: null });
  assert.equal(it.held.size, 1);
  it.say({ type: "session.updated", removed: "a", session_version: 2 });
  assert.equal(viewed(it.store.state.session), null);
  assert.equal(it.held.size, 0);
  assert.deepEqual(it.store.state.workflowSessions, []);
});

test("the artifact of meta is shown, and a large one is fetched (B40-B42)", async () => {
  const metas = { a: { exists: true, chat_id: "a", last_artifact: null, artifact_instance_id: "x", artifact_state: null, artifact_version: 2 } };
  const artifacts = { x: { artifact_id: "x", artifact_type: "Plan", version: 2, state: { big: true }, workflow_name: "Helper" } };
  const it = page({ metas, artifacts });
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(it.asked.includes("meta a"));
  const shown = it.store.state.artifacts[it.store.state.shown.a];
  assert.deepEqual([shown.type, shown.version, shown.state], ["Plan", 2, { big: true }]);
});

test("an artifact event replaces what is shown, and an older one does not", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [said("a", 1, "one")]);
  const made = (seq, version) => ({ type: "chat.artifact", chat_id: "a", epoch: "e", seq, event_id: `x${seq}`, data: { artifact_id: "x", artifact_type: "Plan", version, operation: "updated", state: { version } } });
  it.say(made(2, 1));
  it.say(made(3, 2));
  assert.deepEqual(it.store.state.artifacts.x.state, { version: 2 });
  it.say({ type: "chat_meta", chat_id: "a", exists: true, last_artifact: null, artifact_instance_id: "x", artifact_state: { version: 1 }, artifact_version: 1 });
  assert.deepEqual(it.store.state.artifacts.x.state, { version: 2 });
});

test("older messages are read in pages back to the first", async () => {
  const pages = { a: [said("a", 1, "one"), said("a", 2, "two"), said("a", 3, "three")] };
  const it = page({ pages });
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 3, [said("a", 3, "three")]);
  await it.client.commands.loadOlder("a");
  assert.deepEqual(it.texts("a"), ["one", "two", "three"]);
  assert.equal(it.store.state.transcripts.a.from, 1);
  await it.client.commands.loadOlder("a");
  assert.equal(it.asked.filter((what) => what.startsWith("page")).length, 1);
});

test("stop names the current run", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a")] });
  it.replay("a", 1, [{ type: "chat.run_start", chat_id: "a", epoch: "e", seq: 1, event_id: "r", data: { run_id: "run-1", cause: "message" } }]);
  it.client.commands.stop("a");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(it.sent("chat.stop")[0].run_id, "run-1");
});

test("a chat is marked seen once for each number", async () => {
  const it = page();
  await it.welcome({ active_chat_id: "a", tabs: [tab("a", { unread: 3 })] });
  it.client.commands.markSeen("a", 4);
  it.client.commands.markSeen("a", 4);
  it.client.commands.markSeen("a", 2);
  assert.equal(it.sent("chat.seen").length, 1);
  assert.equal(it.store.state.session.tabs[0].unread, 0);
});
