// Live events, replay and pages loaded later end in the same transcript.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as t from "../../mozaiks/static/mozaiks/transcript.js";

const EPOCH = "e1";
const event = (seq, type, data, more = {}) => ({ type, seq, epoch: EPOCH, event_id: `id-${seq}`, timestamp: "2025-01-01T10:00:00Z", source: "agent", data, ...more });
const text = (seq, id, content, more = {}) => event(seq, "chat.text", { message_id: id, role: "assistant", agent: "analyst", content, visible: true, ...more });
const delta = (id, offset, piece, attempt = 1) => ({ message_id: id, agent: "analyst", attempt, offset, text: piece });

const LOG = [
  event(1, "chat.workflow_started", { workflow_name: "Helper", definition_hash: "x" }),
  text(2, "u1", "Plan it", { role: "user", agent: "user" }),
  event(3, "chat.run_start", { run_id: "r1", cause: "message" }),
  event(4, "chat.select_speaker", { run_id: "r1", agent: "analyst" }),
  event(5, "chat.tool_call", { tool_call_id: "c1", tool_name: "look", arguments: { q: 1 } }),
  event(6, "chat.tool_response", { tool_call_id: "c1", status: "ok", result: { found: 2 } }),
  text(7, "m1", "Hello 🌍 there"),
  event(8, "chat.input_request", { input_request_id: "q1", kind: "approval", prompt: "Good?", schema: {} }),
  event(9, "chat.input_resolved", { input_request_id: "q1", status: "answered", response: { approved: true }, by: "alice" }),
  event(10, "chat.artifact", { artifact_id: "a1", artifact_type: "Plan", version: 1, operation: "created", state: {} }),
  text(11, "m2", "Seed", { visible: false }),
  event(12, "chat.run_complete", { run_id: "r1", status: "completed", usage: {} }),
];

const replay = (events, start = t.empty(EPOCH)) => events.reduce(t.apply, start);
const seen = ({ items, streaming, run, speaker, seq }) => ({ items, streaming, run, speaker, seq });

test("live events with deltas between them end in the same transcript as a replay", () => {
  let live = t.empty(EPOCH);
  for (const one of LOG) {
    if (one.seq === 7) {
      live = t.stream(live, delta("m1", 0, "Hello 🌍"));
      live = t.stream(live, delta("m1", 7, " the"));
      assert.equal(live.streaming[0].text, "Hello 🌍 the");
    }
    live = t.apply(live, one);
  }
  assert.deepEqual(seen(live), seen(replay(LOG)));
});

test("every split into a later part and an older page ends in the same items", () => {
  const whole = replay(LOG);
  for (let cut = 1; cut <= LOG.length; cut += 1) {
    const late = replay(LOG.slice(cut), t.beginReplay(undefined, { epoch: EPOCH, from: cut + 1 }));
    const both = t.prepend(late, LOG.slice(0, cut), 1);
    assert.deepEqual(both.items, whole.items, `cut after ${cut}`);
    assert.equal(both.from, 1);
    assert.equal(both.seq, LOG.length);
  }
});

test("a number that is held already changes nothing", () => {
  const whole = replay(LOG);
  for (const one of LOG) assert.equal(t.apply(whole, one), whole);
});

test("a hole is not applied and asks again; the missing events heal it", () => {
  const torn = t.apply(replay(LOG.slice(0, 3)), LOG[5]);
  assert.equal(torn.behind, true);
  assert.equal(torn.seq, 3);
  const healed = replay(LOG.slice(3), t.beginReplay(torn, { epoch: EPOCH, from: 4 }));
  assert.deepEqual(seen(healed), seen(replay(LOG)));
  assert.equal(healed.behind, false);
});

test("another epoch starts the transcript again and asks", () => {
  const other = t.apply(replay(LOG), { ...LOG[0], epoch: "e2", seq: 13 });
  assert.equal(other.epoch, "e2");
  assert.equal(other.behind, true);
  assert.deepEqual(other.items, []);
});

test("a replay that starts beyond what is held begins anew", () => {
  const anew = t.beginReplay(replay(LOG.slice(0, 2)), { epoch: EPOCH, from: 9 });
  assert.equal(anew.seq, 8);
  assert.deepEqual(anew.items, []);
});

test("a delta is put on only where it fits, counted in code points", () => {
  let one = t.stream(t.empty(EPOCH), delta("m", 0, "a🌍"));
  one = t.stream(one, delta("m", 2, "b"));
  assert.equal(one.streaming[0].text, "a🌍b");
  assert.equal(t.stream(one, delta("m", 1, "x")), one, "a copy is ignored");
  const torn = t.stream(one, delta("m", 9, "later"));
  assert.equal(torn.streaming[0].torn, true);
  assert.equal(torn.streaming[0].text, "a🌍b");
  const healed = t.stream(torn, delta("m", 0, "a🌍b and later"));
  assert.equal(healed.streaming[0].text, "a🌍b and later");
  assert.equal(healed.streaming[0].torn, false);
});

test("a higher attempt replaces the text and a lower one is ignored", () => {
  let one = t.stream(t.empty(EPOCH), delta("m", 0, "first", 1));
  one = t.stream(one, delta("m", 0, "second", 2));
  assert.equal(one.streaming[0].text, "second");
  assert.equal(t.stream(one, delta("m", 0, "first again", 1)), one);
  assert.equal(t.stream(one, delta("m", 4, "tail", 3)).streaming[0].text, "", "the start of attempt 3 is missing");
});

test("a delta that comes after the final text is ignored", () => {
  const whole = replay(LOG);
  assert.equal(t.stream(whole, delta("m1", 0, "late", 9)), whole);
});

test("a run that ends without the final text drops what was written", () => {
  let one = replay(LOG.slice(0, 6));
  one = t.stream(one, delta("m9", 0, "half"));
  one = t.apply(one, event(7, "chat.run_complete", { run_id: "r1", status: "cancelled" }));
  assert.deepEqual(one.streaming, []);
  assert.equal(one.items.at(-1).text, "Stopped");
});

test("a partial text stays and says so", () => {
  const one = replay([...LOG.slice(0, 6), text(7, "m1", "Hel", { partial: true })]);
  assert.equal(one.items.at(-1).partial, true);
});

test("a failed run is remembered until the next one starts", () => {
  const failed = replay([LOG[0], LOG[1], LOG[2], event(4, "chat.run_complete", { run_id: "r1", status: "failed", reason: "No model." })]);
  assert.equal(failed.failed, "No model.");
  assert.equal(t.apply(failed, event(5, "chat.run_start", { run_id: "r2", cause: "retry" })).failed, null);
});

test("an open request older than what is held is shown, and answered once its answer comes", () => {
  const request = event(2, "chat.input_request", { input_request_id: "q9", kind: "question", prompt: "Which?", schema: null }, { replay: true });
  let one = replay([text(6, "m1", "Hi")], t.beginReplay(undefined, { epoch: EPOCH, from: 6 }));
  one = t.apply(one, request);
  assert.equal(t.openRequests(one).length, 1);
  assert.equal(one.seq, 6);
  assert.equal(t.apply(one, request), one, "twice is once");
  one = t.apply(one, event(7, "chat.input_resolved", { input_request_id: "q9", status: "expired" }));
  assert.equal(t.openRequests(one).length, 0);
});

test("an item that an older page did not change is the same object, so its form keeps what was typed", () => {
  const late = replay(LOG.slice(7), t.beginReplay(undefined, { epoch: EPOCH, from: 8 }));
  const both = t.prepend(late, LOG.slice(0, 7), 1);
  const key = (items) => items.find((item) => item.key === "input:q1");
  assert.equal(key(both.items), key(late.items));
});

test("events of a type this page does not know are counted and not shown", () => {
  const one = t.apply(replay(LOG), event(13, "chat.something_new", { any: 1 }));
  assert.equal(one.seq, 13);
  assert.deepEqual(one.items, replay(LOG).items);
});

test("a page may hold events or bare messages", () => {
  const bare = t.fromPage({ sequence: 4, message_id: "m", role: "user", content: "Hi", source: "user" }, EPOCH);
  assert.equal(bare.type, "chat.text");
  assert.equal(bare.seq, 4);
  assert.equal(bare.data.visible, true);
  assert.deepEqual(t.fromPage(LOG[1], EPOCH), LOG[1]);
});

test("an older version of an artifact is read from the log where its event carries it", () => {
  const made = (seq, version, state) => event(seq, "chat.artifact", { artifact_id: "a", artifact_type: "Plan", version, operation: "updated", state });
  const one = replay([made(1, 1, { v: 1 }), made(2, 2, null)]);
  assert.deepEqual(t.versionOf(one, "a", 1), { v: 1 });
  assert.equal(t.versionOf(one, "a", 2), null);
});

test("the newest version of each artifact is listed once, the newest last", () => {
  const made = (seq, id, version) => event(seq, "chat.artifact", { artifact_id: id, artifact_type: id, version, operation: "updated" });
  const one = replay([made(1, "a", 1), made(2, "b", 1), made(3, "a", 2)]);
  assert.deepEqual(t.artifactsOf(one).map(({ artifactId, version }) => [artifactId, version]), [["b", 1], ["a", 2]]);
});
