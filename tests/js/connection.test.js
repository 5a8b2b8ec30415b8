// One WebSocket after another, and every command counts once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, backoff, isFinal, newId } from "../../mozaiks/static/mozaiks/connection.js";

/** A server by hand, with a clock by hand. */
function world({ outbox } = {}) {
  const timers = new Map();
  let next = 1;
  const it = {
    now: 0,
    sockets: [],
    states: [],
    frames: [],
    hellos: 0,
    clock: {
      setTimeout: (act, wait) => {
        timers.set(next, { act, at: it.now + wait });
        next += 1;
        return next - 1;
      },
      clearTimeout: (id) => timers.delete(id),
    },
    tick(ms) {
      it.now += ms;
      for (const [id, timer] of [...timers]) {
        if (timer.at > it.now) continue;
        timers.delete(id);
        timer.act();
      }
    },
    get socket() {
      return it.sockets.at(-1);
    },
    welcome() {
      it.socket.onopen();
      const hello = it.socket.sent.find((frame) => frame.type === "session.hello");
      it.say({ type: "result", re: hello.id, ok: true, data: { session_version: 1 } });
      return hello;
    },
    say: (frame) => it.socket.onmessage({ data: JSON.stringify(frame) }),
    drop: (code) => it.socket.onclose({ code }),
  };
  it.connection = new Connection({
    open: () => {
      const socket = { sent: [], closed: false, send: (text) => socket.sent.push(JSON.parse(text)), close: () => (socket.closed = true) };
      it.sockets.push(socket);
      return socket;
    },
    hello: () => ({ cursors: it.cursors }),
    onFrame: (frame) => it.frames.push(frame),
    onHello: () => (it.hellos += 1),
    onState: (state) => it.states.push(state),
    outbox,
    clock: it.clock,
    random: () => 0.5,
  });
  it.connection.start();
  return it;
}

const commands = (socket) => socket.sent.filter(({ type }) => type !== "session.hello");

test("hello is the first frame, and commands wait for its answer", async () => {
  const it = world();
  it.cursors = { c1: { epoch: "e", seq: 7 } };
  const answer = it.connection.send("chat.pause", { chat_id: "c1" });
  assert.deepEqual(it.socket.sent, []);
  const hello = it.welcome();
  assert.equal(it.socket.sent[0], hello);
  assert.equal(hello.protocol, 1);
  assert.deepEqual(hello.cursors, it.cursors);
  const [sent] = commands(it.socket);
  it.say({ type: "result", re: sent.id, ok: true, data: { run_state: "paused" }, duplicate: false });
  assert.equal((await answer).data.run_state, "paused");
});

test("an unanswered command is sent again unchanged after a reconnect, an answered one is not", async () => {
  const it = world();
  it.welcome();
  const first = it.connection.send("user.input.submit", { text: "a" });
  const second = it.connection.send("user.input.submit", { text: "b" });
  const [a, b] = commands(it.socket);
  it.say({ type: "result", re: a.id, ok: true, data: {} });
  await first;
  it.drop(1006);
  it.tick(2_000);
  it.welcome();
  assert.deepEqual(commands(it.socket), [b]);
  it.say({ type: "result", re: b.id, ok: true, data: { seq: 2 }, duplicate: true });
  assert.equal((await second).duplicate, true);
});

test("a kept command survives a reload of the page", async () => {
  let kept = [];
  const outbox = { load: () => kept, save: (frames) => (kept = frames) };
  const before = world({ outbox });
  before.welcome();
  before.connection.send("user.input.submit", { text: "a" }, { kept: true });
  before.connection.send("chat.seen", { chat_id: "c", seq: 1 });
  assert.equal(kept.length, 1);
  const after = world({ outbox });
  const [{ frame, answer }] = after.connection.unanswered();
  assert.equal(frame.id, kept[0].id);
  after.welcome();
  assert.deepEqual(commands(after.socket), [frame]);
  after.say({ type: "result", re: frame.id, ok: true, data: {} });
  await answer;
  assert.deepEqual(kept, []);
});

test("a retryable refusal is tried again under the same id, and given up after some tries", async () => {
  const it = world();
  it.welcome();
  const answer = it.connection.send("chat.pause", { chat_id: "c" });
  const refusal = { ok: false, error: { code: "UNAVAILABLE", message: "Wait.", retryable: true } };
  for (let tries = 1; tries <= 7; tries += 1) {
    const sent = commands(it.socket);
    assert.equal(sent.length, tries);
    assert.equal(new Set(sent.map(({ id }) => id)).size, 1);
    it.say({ type: "result", re: sent[0].id, ...refusal });
    for (let beats = 0; beats < 2; beats += 1) {
      it.tick(20_000);
      it.say({ type: "heartbeat" });
    }
  }
  assert.equal((await answer).error.code, "UNAVAILABLE");
});

test("a final refusal is an answer", async () => {
  const it = world();
  it.welcome();
  const answer = it.connection.send("chat.pause", { chat_id: "c" });
  it.say({ type: "result", re: commands(it.socket)[0].id, ok: false, error: { code: "NOT_FOUND", message: "No such chat.", retryable: false } });
  assert.equal((await answer).ok, false);
});

test("1012 reconnects at once, with jitter", () => {
  const it = world();
  it.welcome();
  it.connection.drain(300);
  it.drop(1012);
  assert.ok(it.states.at(-1).wait <= 400);
  it.tick(400);
  assert.equal(it.sockets.length, 2);
});

test("while the server restarts the waits stay short", () => {
  const it = world();
  it.welcome();
  it.drop(1012);
  for (let tries = 0; tries < 12; tries += 1) {
    it.tick(2_000);
    it.drop(1006);
    assert.ok(it.states.at(-1).wait <= 2_000);
  }
  assert.equal(it.sockets.length, 13);
});

for (const code of [4400, 4401, 4403, 4009]) {
  test(`${code} is final and says why`, () => {
    const it = world();
    it.welcome();
    it.drop(code);
    assert.equal(it.states.at(-1).phase, "closed");
    assert.match(it.states.at(-1).words, /\.$/);
    it.tick(120_000);
    assert.equal(it.sockets.length, 1);
  });
}

test("4008 and 4029 reconnect, the second only after a while", () => {
  assert.equal(isFinal(4008), false);
  assert.equal(isFinal(4029), false);
  assert.ok(backoff(0, { code: 4029, random: () => 0 }) >= 5_000);
});

test("the wait grows, is jittered, and has an end", () => {
  const waits = [0, 1, 2, 3, 10, 40].map((attempt) => backoff(attempt, { random: () => 1 }));
  assert.deepEqual(waits, [500, 800, 1_280, 2_048, 20_000, 20_000]);
  assert.ok(backoff(3, { random: () => 0 }) < backoff(3, { random: () => 1 }));
});

test("a silent socket is given up, and what it says later is not heard", () => {
  const it = world();
  it.welcome();
  const silent = it.socket;
  it.tick(46_000);
  assert.equal(silent.closed, true);
  it.tick(1_000);
  assert.equal(it.sockets.length, 2);
  silent.onmessage({ data: JSON.stringify({ type: "heartbeat" }) });
  assert.deepEqual(it.frames, []);
});

test("heartbeats keep a socket", () => {
  const it = world();
  it.welcome();
  for (let beats = 0; beats < 10; beats += 1) {
    it.tick(20_000);
    it.say({ type: "heartbeat" });
  }
  assert.equal(it.sockets.length, 1);
});

test("a hello that nobody answers is tried again", () => {
  const it = world();
  it.socket.onopen();
  it.tick(10_000);
  it.tick(1_000);
  assert.equal(it.sockets.length, 2);
});

test("a nudge asks for a sign of life and gives up a dead socket soon", () => {
  const it = world();
  it.welcome();
  it.connection.nudge();
  assert.equal(commands(it.socket).at(-1).type, "ping");
  it.tick(6_000);
  it.tick(1_000);
  assert.equal(it.sockets.length, 2);
});

test("frames that are not JSON change nothing", () => {
  const it = world();
  it.welcome();
  it.socket.onmessage({ data: "nonsense" });
  assert.deepEqual(it.frames, []);
});

test("an id is made also where the browser has no randomUUID", () => {
  const id = newId({ getRandomValues: (bytes) => bytes.fill(7) });
  assert.match(id, /^[0-9a-f]{32}$/);
});
