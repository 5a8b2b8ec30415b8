// The server's word wins; nothing points at a chat that is gone; Ask leads back to the oldest workflow.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as s from "../../mozaiks/static/mozaiks/session.js";
import { agentName, count, isShare, number, scalar, stateOf, stateWord, title } from "../../mozaiks/static/mozaiks/format.js";

const tab = (id, more = {}) => ({ chat_id: id, kind: "workflow", label: id, status: "IN_PROGRESS", run_state: "idle", last_seq: 1, epoch: "e", unread: 0, waiting: 0, created_at: "2025-01-01T00:00:00Z", ...more });
const STATE = { session_version: 5, mode: "workflow", active_chat_id: "a", general_chat_id: "g", default_chat_id: "a", tabs: [tab("a"), tab("b"), tab("g", { kind: "general" })], model: { name: "offline", kind: "offline" } };
const open = (more = {}) => s.fromState(s.NO_SESSION, { ...STATE, ...more });

test("the session state splits tabs from general chats and keeps the strip's order", () => {
  const now = open();
  assert.deepEqual(now.tabs.map(({ chat_id }) => chat_id), ["a", "b"]);
  assert.deepEqual(now.generals.map(({ chat_id }) => chat_id), ["g"]);
  assert.equal(s.viewed(now), "a");
  assert.equal(s.viewed({ ...now, mode: "general" }), "g");
});

test("an older session state does not undo a newer one", () => {
  const now = s.updated(open(), { chat: tab("a", { run_state: "running", last_seq: 2 }), session_version: 6 });
  assert.equal(s.fromState(now, STATE), now);
});

test("several changes may come as one; only a heartbeat that knows more makes the list stale", () => {
  const now = s.updated(open(), { chat: tab("a"), session_version: 8 });
  assert.equal(now.behind, false);
  assert.equal(s.beat(now, 8).behind, false);
  assert.equal(s.beat(now, 9).behind, true);
});

test("a chat without a tab asks for the list once", () => {
  const once = s.updated(open(), { chat: tab("c"), session_version: 6 });
  assert.equal(once.behind, true);
  const again = s.updated({ ...once, behind: false }, { chat: tab("c"), session_version: 7 });
  assert.equal(again.behind, false);
});

test("a new general chat is listed first", () => {
  const now = s.updated(open(), { chat: tab("h", { kind: "general" }), session_version: 6 });
  assert.deepEqual(now.generals.map(({ chat_id }) => chat_id), ["h", "g"]);
});

test("a removed chat is nowhere any more, not even as the current one", () => {
  const now = s.updated(open(), { removed: "a", session_version: 6 });
  assert.equal(s.chatOf(now, "a"), null);
  assert.equal(now.activeChatId, null);
  assert.equal(s.viewed(now), null);
});

test("mode and context follow the server", () => {
  const asked = s.modeChanged(open(), { mode: "general", general_chat_id: "g2", session_version: 6 });
  assert.equal(s.viewed(asked), "g2");
  const back = s.contextSwitched(asked, { to_chat_id: "b", session_version: 7 });
  assert.equal(s.viewed(back), "b");
});

test("leaving Ask goes to the current chat, else to the oldest active workflow, else nowhere", () => {
  const list = [
    tab("new", { created_at: "2025-03-01T00:00:00Z" }),
    tab("done", { created_at: "2024-01-01T00:00:00Z", status: "COMPLETED" }),
    tab("old", { created_at: "2025-01-01T00:00:00Z" }),
  ];
  assert.equal(s.resolveWorkflow("current", list), "current");
  assert.equal(s.resolveWorkflow(null, list), "old");
  assert.equal(s.resolveWorkflow(null, [...list].reverse()), "old");
  assert.equal(s.resolveWorkflow(null, []), null);
});

test("two workflows of the same moment are told apart by their ids", () => {
  assert.equal(s.resolveWorkflow(null, [tab("z"), tab("y")]), "y");
});

test("times are filled and never go back", () => {
  const before = s.normaliseSessions([{ chat_id: "a", created_at: "2025-01-01T00:00:00Z", last_updated_at: "2025-01-05T00:00:00Z" }]);
  const after = s.normaliseSessions([{ chat_id: "a", created_at: "2025-01-01T00:00:00Z", last_updated_at: "2025-01-03T00:00:00Z" }], before);
  assert.equal(after[0].last_updated_at, "2025-01-05T00:00:00Z");
  assert.equal(s.normaliseSessions([{ chat_id: "b", created_at: "2025-01-01T00:00:00Z" }])[0].last_updated_at, "2025-01-01T00:00:00Z");
});

test("what Ask holds up is counted by its reason", () => {
  const now = open({ tabs: [tab("a", { run_state: "paused", pause_reason: "general_mode" }), tab("b", { run_state: "paused", pause_reason: "user" })] });
  assert.deepEqual(s.pausedByAsk(now).map(({ chat_id }) => chat_id), ["a"]);
});

test("states are told in words", () => {
  assert.equal(stateWord(stateOf(tab("a", { run_state: "waiting", waiting: 1 }))), "Needs you");
  assert.equal(stateWord(stateOf(tab("a", { run_state: "paused", waiting: 1 }))), "Paused");
  assert.equal(stateOf(tab("a", { status: "COMPLETED" })), "completed");
});

test("names and numbers are told for a reader", () => {
  assert.equal(title("expected_return"), "Expected return");
  assert.equal(title("fee_dragRate"), "Fee drag rate");
  assert.equal(title("id"), "ID");
  assert.equal(number(1234567.891, "cost", "en"), "1,234,568");
  assert.equal(number(0.0487, "cagr", "en"), "4.87%");
  assert.equal(number(2031, "year", "en"), "2031");
  assert.equal(isShare("effort_days", 0.5), false);
  assert.equal(scalar(null), "–");
  assert.equal(scalar(true), "Yes");
  assert.equal(agentName("risk_reviewer"), "Risk Reviewer");
  assert.equal(count(1, "workflow"), "1 workflow");
  assert.equal(count(2, "workflow"), "2 workflows");
});
