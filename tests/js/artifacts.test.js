// What a chat's panel shows comes back, from either style of persistence (B24-B28, B40-B42).
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPaint, forget, merge, recall, remember, restore } from "../../mozaiks/static/mozaiks/artifacts.js";

function memory() {
  const held = new Map();
  return { held, getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value), removeItem: (key) => held.delete(key) };
}
const LAST = { ui_tool_id: "Plan", event_id: "e1", workflow_name: "Planner", payload: { title: "T" }, display: "artifact" };

test("last_artifact is kept under its key, with the fields of the contract (B25, B26)", () => {
  const storage = memory();
  remember(storage, "c1", { exists: true, last_artifact: LAST }, 42);
  assert.deepEqual(JSON.parse(storage.getItem("mozaiks.last_artifact.c1")), {
    ui_tool_id: "Plan", eventId: "e1", workflow_name: "Planner", payload: { title: "T" }, display: "artifact", ts: 42,
  });
});

test("missing fields fall back (B26)", () => {
  const kept = remember(memory(), "c1", { exists: true, workflow_name: "Now", last_artifact: { ui_tool_id: "Plan" } }, 1);
  assert.deepEqual(kept, { ui_tool_id: "Plan", eventId: null, workflow_name: "Now", payload: {}, display: "artifact", ts: 1 });
});

test("nothing is kept without ui_tool_id, and what was kept goes when the server has nothing (B27)", () => {
  const storage = memory();
  remember(storage, "c1", { exists: true, last_artifact: LAST });
  remember(storage, "c1", { exists: true, last_artifact: { payload: {} } });
  assert.equal(recall(storage, "c1"), null);
  remember(storage, "c1", { exists: true, last_artifact: LAST });
  remember(storage, "c1", { exists: false });
  assert.equal(recall(storage, "c1"), null);
});

test("the first paint shows what was kept", () => {
  const storage = memory();
  remember(storage, "c1", { exists: true, last_artifact: LAST });
  assert.deepEqual(firstPaint(recall(storage, "c1")), { source: "payload", artifactId: null, version: null, type: "Plan", state: { title: "T" } });
  forget(storage, "c1");
  assert.equal(firstPaint(recall(storage, "c1")).source, "none");
});

test("broken storage never breaks the page", () => {
  const broken = { getItem: () => "{", setItem: () => { throw new Error("full"); }, removeItem: () => { throw new Error("no"); } };
  assert.equal(recall(broken, "c"), null);
  assert.equal(remember(broken, "c", { exists: true, last_artifact: LAST }), null);
  forget(broken, "c");
});

test("an inlined state is used as it is (B41)", () => {
  const found = restore({ exists: true, last_artifact: LAST, artifact_instance_id: "a1", artifact_state: { full: true }, artifact_version: 3 });
  assert.deepEqual(found, { source: "state", artifactId: "a1", version: 3, type: "Plan", state: { full: true } });
});

test("a state that is too large is fetched (B42)", () => {
  const found = restore({ exists: true, last_artifact: LAST, artifact_instance_id: "a1", artifact_state: null, artifact_state_size: 99_999, artifact_version: 3 });
  assert.equal(found.source, "fetch");
  assert.equal(found.artifactId, "a1");
});

test("an instance alone restores, and a UI tool's artifact alone restores (B28, B51)", () => {
  assert.equal(restore({ exists: true, last_artifact: null, artifact_instance_id: "a1", artifact_state: {} }).source, "state");
  assert.deepEqual(restore({ exists: true, last_artifact: LAST, artifact_instance_id: null }).state, { title: "T" });
});

test("a last_artifact of another instance does not name this one's type", () => {
  const found = restore({ exists: true, last_artifact: { ...LAST, artifact_id: "a2" }, artifact_instance_id: "a1", artifact_state: {} });
  assert.equal(found.type, null);
});

test("nothing is restored for a chat that does not exist", () => {
  assert.equal(restore({ exists: false }).source, "none");
  assert.equal(restore(undefined).source, "none");
});

test("an older version never replaces a newer one, and news without a state marks it stale", () => {
  const held = { artifactId: "a", version: 3, type: "Plan", state: { v: 3 } };
  assert.equal(merge(held, { artifactId: "a", version: 2, state: { v: 2 } }), held);
  assert.deepEqual(merge(held, { artifactId: "a", version: 4, state: { v: 4 } }).state, { v: 4 });
  const told = merge(held, { artifactId: "a", version: 4 });
  assert.equal(told.stale, true);
  assert.equal(merge(told, { artifactId: "a", version: 4, state: { v: 4 } }).stale, false);
});
