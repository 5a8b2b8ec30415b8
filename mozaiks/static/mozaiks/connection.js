// The one WebSocket: hello with cursors, commands that count once, reconnecting (PROTOCOL §1, §2).
//
// The one rule: a command keeps its id and its words until it is answered, over as many sockets as it takes;
// the server counts it once.

const HELLO_SILENCE = 10_000; // ms without an answer to hello
const SILENCE = 45_000; // ms without any frame: two heartbeats and a bit
const RESTART_TRIES = 20; // after a 1012 the server is expected back soon
const RESTART_WAIT = 2_000; // ms between those tries
const PING_SILENCE = 6_000; // ms to answer a ping
const LONGEST_WAIT = 20_000; // ms between two tries
const RETRIES = 6; // of a refusal that says it may be tried again

const FINAL = {
  4400: "This page is out of date. Reload it.",
  4401: "You are signed out. Sign in again.",
  4403: "You have no access to this app.",
  4009: "Too many windows are open. Close one, then try again.",
};

/** True where the server does not want to see this client again. */
export function isFinal(code) {
  return code in FINAL || (code >= 4400 && code < 4500);
}

/** Milliseconds before try number `attempt` (from 0); always jittered. */
export function backoff(attempt, { code = 1006, retryMs = 0, most = LONGEST_WAIT, random = Math.random } = {}) {
  if (code === 1012 && attempt < 3) return Math.round(random() * Math.max(400, retryMs)); // it comes back at once
  const longest = Math.min(most, 500 * 1.6 ** attempt);
  const least = code === 4029 ? 5_000 : 0; // we were too fast
  return Math.round(least + longest / 2 + (random() * longest) / 2);
}

/** A command id. */
export function newId(source = globalThis.crypto) {
  if (source.randomUUID) return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16)); // a page that is not a secure context has no randomUUID
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * `open()` returns a new socket; `hello()` the fields of `session.hello`; `onFrame(frame)` gets every frame but
 * results, `onHello(data)` the session state, `onState({phase, …})` what the connection is doing.
 * `outbox` ({load, save}) keeps what must survive a reload.
 */
export class Connection {
  constructor({ open, hello, onFrame, onHello, onState, outbox = null, clock = globalThis, random = Math.random }) {
    Object.assign(this, { open, hello, onFrame, onHello, onState, outbox, clock, random });
    this.socket = null;
    this.ready = false; // hello was answered on this socket
    this.commands = new Map(); // id -> {frame, answer, resolve, kept, sent, tries}
    this.attempt = 0;
    this.retryMs = 0;
    this.restarting = 0;
    this.timers = {};
    this.state = { phase: "connecting" };
    for (const frame of outbox?.load() ?? []) this.#enlist(frame, true);
  }

  /** Opens the socket; call once. */
  start() {
    this.#tell({ phase: this.attempt ? "reconnecting" : "connecting" });
    let socket;
    try {
      socket = this.open();
    } catch {
      return this.#retry(1006);
    }
    this.socket = socket;
    this.ready = false;
    this.#watch(HELLO_SILENCE);
    socket.onopen = () => this.#sayHello(socket);
    socket.onmessage = ({ data }) => this.socket === socket && this.#receive(data);
    socket.onclose = ({ code }) => this.socket === socket && this.#closed(code);
    socket.onerror = () => {}; // a close follows
    return undefined;
  }

  /** Sends a command; resolves with its result, refused or not, and never rejects. `kept` survives a reload. */
  send(type, fields = {}, { kept = false, id = newId() } = {}) {
    const command = this.#enlist({ type, id, ...fields }, kept);
    this.#save();
    if (this.ready) this.#put(command);
    return command.answer;
  }

  /** The commands that are not answered yet: `{frame, answer}`, in the order they were given. */
  unanswered() {
    return [...this.commands.values()].map(({ frame, answer }) => ({ frame, answer }));
  }

  /** Asks the server for a sign of life; without one the socket is given up. */
  nudge() {
    if (this.state.phase === "reconnecting" || this.state.phase === "waiting") return this.retryNow();
    if (!this.ready) return undefined;
    this.send("ping");
    return this.#watch(PING_SILENCE);
  }

  /** Tries again now, also after a final close. */
  retryNow() {
    this.clock.clearTimeout(this.timers.retry);
    if (this.socket && this.ready) return;
    this.#abandon();
    this.start();
  }

  /** The server said it is about to close (`session.drain`). */
  drain(retryMs) {
    this.retryMs = retryMs ?? 0;
  }

  #sayHello(socket) {
    if (this.socket !== socket) return;
    const id = newId();
    this.helloId = id;
    socket.send(JSON.stringify({ type: "session.hello", id, protocol: 1, ...this.hello() }));
  }

  #receive(data) {
    this.#watch(SILENCE);
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame?.type !== "result") return this.onFrame(frame);
    if (frame.re === this.helloId) return this.#welcomed(frame);
    return this.#answered(frame);
  }

  #welcomed(result) {
    if (!result.ok) return this.#closed(result.error?.code === "SCHEMA_VALIDATION_FAILED" ? 4400 : 1006);
    this.ready = true;
    this.attempt = 0;
    this.retryMs = 0;
    this.restarting = 0;
    this.#tell({ phase: "open" });
    for (const command of this.commands.values()) this.#put(command); // unchanged, oldest first
    this.onHello(result.data);
    return undefined;
  }

  #answered(result) {
    const command = this.commands.get(result.re);
    if (!command) return;
    if (!result.ok && result.error?.retryable && command.tries < RETRIES) {
      command.tries += 1;
      const wait = backoff(command.tries, { random: this.random });
      this.clock.setTimeout(() => this.ready && this.commands.has(result.re) && this.#put(command), wait);
      return;
    }
    this.commands.delete(result.re);
    this.#save();
    command.resolve(result);
  }

  #closed(code) {
    this.#abandon();
    if (isFinal(code)) {
      const words = FINAL[code] ?? "The server ended the connection.";
      return this.#tell({ phase: "closed", code, words });
    }
    return this.#retry(code);
  }

  #retry(code) {
    this.restarting = code === 1012 ? RESTART_TRIES : Math.max(0, this.restarting - 1);
    const most = this.restarting ? RESTART_WAIT : LONGEST_WAIT;
    const wait = backoff(this.attempt, { code, retryMs: this.retryMs, most, random: this.random });
    this.attempt += 1;
    this.#tell({ phase: "waiting", code, wait });
    this.timers.retry = this.clock.setTimeout(() => this.start(), wait);
  }

  // Gives the socket up: what it still says is not heard, which also covers a socket that hangs.
  #abandon() {
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    this.clock.clearTimeout(this.timers.watch);
    try {
      socket?.close();
    } catch {
      // it was closed already
    }
  }

  #watch(silence) {
    this.clock.clearTimeout(this.timers.watch);
    const socket = this.socket;
    this.timers.watch = this.clock.setTimeout(() => this.socket === socket && socket && this.#closed(1006), silence);
  }

  #enlist(frame, kept) {
    const command = { frame, kept, tries: 0 };
    command.answer = new Promise((resolve) => {
      command.resolve = resolve;
    });
    this.commands.set(frame.id, command);
    return command;
  }

  #put(command) {
    this.socket.send(JSON.stringify(command.frame));
  }

  #save() {
    this.outbox?.save([...this.commands.values()].filter(({ kept }) => kept).map(({ frame }) => frame));
  }

  #tell(state) {
    this.state = state;
    this.onState(state);
  }
}
