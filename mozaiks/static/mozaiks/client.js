// The page's side of the protocol: frames in, one state out. No DOM, so it is tested without a browser.
//
// The one rule: what is shown is folded from what the server said; commands.js only asks.
import * as artifacts from "./artifacts.js";
import * as session from "./session.js";
import * as transcript from "./transcript.js";
import { Connection } from "./connection.js";
import { createCommands } from "./commands.js";

export const INITIAL = {
  connection: { phase: "connecting" },
  session: session.NO_SESSION,
  transcripts: {}, // chat_id -> transcript
  opening: {}, // chat_id -> true until its replay ended once
  loadingOlder: {}, // chat_id -> true
  metas: {}, // chat_id -> chat_meta
  queues: {}, // chat_id -> [{queued_id, text, created_at}]
  usage: {}, // chat_id -> totals
  pending: [], // what a person sent and is not in a log yet: {id, chatId, text, status, seq?, error?}
  artifacts: {}, // artifact_id (or `chat:<id>` for a UI tool's) -> {artifactId, type, version, state, stale, …}
  shown: {}, // chat_id -> key of the artifact its panel shows
  panel: {}, // chat_id -> true | false, once a person opened or closed it
  workflowSessions: [],
  generalSessions: [],
  available: null, // the workflows that can be started, null while unknown
  requestInView: false, // an open request of the chat on the page can be seen
  choosing: false, // the menu of workflows is open
  notice: null, // {text, tone, id}: one sentence for the user
};

/** `{store, connection, api, commands, start()}` over an open-a-socket function and a REST client. */
export function createClient({ store, api, open, storage, outbox = null, clock = globalThis, random = Math.random }) {
  const followed = new Set(); // chats the server follows for this page, most recent last
  const asked = new Map(); // chat_id -> when it was asked for again
  const client = { store, api, storage, followed, followLimit: 40, switching: 0 };
  client.connection = new Connection({ open, hello, onFrame, onHello, onState, outbox, clock, random });
  client.commands = createCommands(client);
  client.start = () => {
    for (const { frame, answer } of client.connection.unanswered()) client.commands.restorePending(frame, answer);
    client.connection.start();
    client.commands.refreshAvailable();
  };
  client.cursorOf = cursorOf;
  client.setTranscript = setTranscript;
  client.loadArtifact = loadArtifact;
  client.onMeta = onMeta;

  function hello() {
    const held = [...followed].filter((id) => store.state.transcripts[id]?.epoch);
    const fields = { client: "chatui" };
    if (held.length) fields.cursors = Object.fromEntries(held.map((id) => [id, cursorOf(id)]));
    return fields;
  }

  function onHello(state) {
    for (const { chat_id: id } of state.refused ?? []) client.commands.dropChat(id);
    store.set((now) => ({ session: session.fromState({ ...now.session, known: false }, state) }));
    const view = session.viewed(store.state.session);
    const cursorless = ![...followed].some((id) => store.state.transcripts[id]?.epoch);
    if (cursorless) for (const id of [store.state.session.activeChatId, store.state.session.generalChatId]) note(id);
    if (view && !followed.has(view)) client.commands.follow(view);
    client.commands.refreshSessions();
    client.commands.refreshMeta(store.state.session.activeChatId);
    client.commands.welcomed();
  }

  function note(id) {
    if (!id) return;
    followed.add(id);
    if (!store.state.transcripts[id]) store.set((now) => ({ opening: { ...now.opening, [id]: true } }));
  }

  function onState(state) {
    store.set({ connection: state });
    if (state.phase === "waiting") asked.clear();
  }

  function onFrame(frame) {
    const handler = SIGNALS[frame.type];
    if (handler) handler(frame);
    else if (frame.chat_id && Number.isInteger(frame.seq)) onEvent(frame);
    if (store.state.session.behind) client.commands.relist();
  }

  function onEvent(event) {
    const held = store.state.transcripts[event.chat_id];
    const next = transcript.apply(held ?? transcript.empty(event.epoch, event.seq), event);
    setTranscript(event.chat_id, next);
    if (next.behind) return askAgain(event.chat_id);
    if (held === next) return undefined;
    if (event.type === "chat.artifact") onArtifact(event);
    if (event.type === "chat.text" && event.data.role === "user") {
      if (!event.replay) client.commands.recognise(event.chat_id, event.data.content);
      client.commands.settle(event.chat_id, event.seq);
    }
    if (event.type === "chat.input_resolved") client.commands.settle(event.chat_id, event.seq);
    return undefined;
  }

  const SIGNALS = {
    "replay.begin": (frame) => {
      setTranscript(frame.chat_id, transcript.beginReplay(store.state.transcripts[frame.chat_id], frame));
    },
    "replay.gap": ({ chat_id: id, epoch, reason }) => {
      setTranscript(id, transcript.empty(epoch));
      if (reason === "epoch") client.commands.say("This chat was restored on the server; it is shown anew.");
    },
    "replay.end": ({ chat_id: id, seq, epoch }) => {
      asked.delete(id);
      note(id);
      store.set((now) => ({ opening: { ...now.opening, [id]: false } }));
      const held = store.state.transcripts[id];
      if (held && held.epoch === epoch && held.seq < seq) askAgain(id);
      client.commands.settle(id, held?.seq ?? 0);
    },
    "chat.delta": (delta) => {
      const held = store.state.transcripts[delta.chat_id];
      if (!held) return;
      const next = transcript.stream(held, delta);
      setTranscript(delta.chat_id, next);
      if (next.streaming.some((message) => message.id === delta.message_id && message.torn)) askAgain(delta.chat_id, 2_000);
    },
    chat_meta: (meta) => onMeta(meta.chat_id, meta),
    "chat.queue": ({ chat_id: id, queue }) => {
      store.set((now) => ({ queues: { ...now.queues, [id]: queue ?? [] } }));
      client.commands.settleQueued(id, queue ?? []);
    },
    "chat.mode_changed": (signal) => {
      moved(session.modeChanged, signal);
    },
    "chat.context_switched": (signal) => {
      moved(session.contextSwitched, signal);
    },
    "chat.usage": ({ chat_id: id, totals }) => store.set((now) => ({ usage: { ...now.usage, [id]: totals } })),
    "session.updated": (signal) => {
      store.set((now) => ({ session: session.updated(now.session, signal) }));
      if (signal.removed) client.commands.dropChat(signal.removed);
      if (signal.chat && signal.chat.status !== "IN_PROGRESS") client.commands.ended(signal.chat.chat_id);
    },
    heartbeat: ({ chats = {}, session_version: version }) => {
      store.set((now) => ({ session: session.beat(now.session, version) }));
      for (const [id, head] of Object.entries(chats)) {
        const held = store.state.transcripts[id];
        if (held && (held.epoch !== head.epoch || held.seq < head.seq)) askAgain(id);
      }
    },
    "session.drain": ({ retry_ms: retryMs }) => client.connection.drain(retryMs),
  };

  // Another window, or the answer to our own command a moment ago, went elsewhere: so does this one.
  function moved(reducer, signal) {
    if (client.switching) return; // our own newer command is under way and will say
    const before = store.state.session;
    const after = reducer(before, signal);
    store.set({ session: after });
    if (before.mode !== after.mode || session.viewed(before) !== session.viewed(after)) client.commands.modeIsNew();
  }

  // Asks for what is missing, once until the answer comes or `patience` is over.
  function askAgain(id, patience = 10_000) {
    const before = asked.get(id) ?? -Infinity;
    if (Date.now() - before < patience) return;
    asked.set(id, Date.now());
    client.connection.send("chat.open", { chat_id: id, ...cursorField(id) });
  }

  function cursorOf(id) {
    const held = store.state.transcripts[id];
    return held?.epoch ? { epoch: held.epoch, seq: held.seq } : null;
  }

  function cursorField(id) {
    const cursor = cursorOf(id);
    return cursor ? { cursor } : {};
  }

  function setTranscript(id, next) {
    store.set((now) => (now.transcripts[id] === next ? null : { transcripts: { ...now.transcripts, [id]: next } }));
  }

  function onArtifact({ chat_id: id, data, replay }) {
    const news = {
      artifactId: data.artifact_id,
      type: data.artifact_type,
      version: data.version,
      state: data.state ?? undefined,
    };
    const key = data.artifact_id;
    store.set((now) => ({
      artifacts: { ...now.artifacts, [key]: artifacts.merge(now.artifacts[key], news) },
      shown: replay && now.metas[id]?.artifact_instance_id ? now.shown : { ...now.shown, [id]: key },
    }));
    const held = store.state.artifacts[key];
    if (!replay && (held.state === undefined || held.stale)) loadArtifact(key);
  }

  function onMeta(id, meta) {
    if (!id) return;
    if (meta.exists === false) {
      client.commands.dropChat(id); // deleted elsewhere: nothing points at it any more (B69)
      client.commands.relist();
      return;
    }
    const workflow = session.chatOf(store.state.session, id)?.workflow_name;
    artifacts.remember(storage, id, { workflow_name: workflow, ...meta });
    store.set((now) => ({ metas: { ...now.metas, [id]: meta } }));
    if (meta.queue) store.set((now) => ({ queues: { ...now.queues, [id]: meta.queue } }));
    const found = artifacts.restore(meta);
    if (found.source === "none") {
      store.set((now) => ({ shown: { ...now.shown, [id]: now.artifacts[now.shown[id]]?.artifactId ? now.shown[id] : null } }));
      return;
    }
    const key = found.artifactId ?? `chat:${id}`;
    const { source, ...news } = found;
    store.set((now) => {
      const held = now.artifacts[key]?.firstPaint ? null : now.artifacts[key];
      const placed = held ? artifacts.merge(held, { ...news, type: held.type ?? news.type }) : news;
      return { artifacts: { ...now.artifacts, [key]: placed }, shown: { ...now.shown, [id]: key } };
    });
    if (source === "fetch" || !store.state.artifacts[key].type) loadArtifact(key);
  }

  async function loadArtifact(id) {
    if (store.state.artifacts[id]?.loading) return;
    const set = (change) =>
      store.set((now) => ({ artifacts: { ...now.artifacts, [id]: { artifactId: id, version: null, ...now.artifacts[id], ...change } } }));
    set({ loading: true, error: null });
    try {
      const found = await api.artifact(id);
      const { artifact_type: type, version, state, workflow_name: workflow } = found;
      const newer = store.state.artifacts[id]?.version > version;
      set(newer ? { loading: false, workflow } : { type, version, state, workflow, loading: false, stale: false, details: found });
      if (newer) loadArtifact(id); // it changed while it was read
    } catch (error) {
      set({ loading: false, error: error.message });
    }
  }

  return client;
}
