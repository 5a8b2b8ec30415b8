// What the user has open: mode, tabs, general chats. Pure; the one rule: the server's word wins, newest first.

export const NO_SESSION = {
  version: 0,
  behind: false,
  known: false,
  mode: "workflow",
  activeChatId: null,
  generalChatId: null,
  defaultChatId: null,
  tabs: [],
  generals: [],
  unlisted: [],
  limits: {},
  model: null,
};

/** The session state of §4, as it stands. A copy older than what is held is ignored. */
export function fromState(session, state) {
  if (session.known && state.session_version < session.version) return session;
  const chats = (state.tabs ?? []).map((tab) => newer(chatOf(session, tab.chat_id), tab));
  const listed = new Set(chats.map((chat) => chat.chat_id));
  return {
    version: state.session_version,
    behind: false,
    known: true,
    mode: state.mode,
    activeChatId: state.active_chat_id ?? null,
    generalChatId: state.general_chat_id ?? null,
    defaultChatId: state.default_chat_id ?? null,
    tabs: chats.filter((chat) => chat.kind !== "general"),
    generals: chats.filter((chat) => chat.kind === "general"),
    unlisted: session.unlisted.filter((id) => !listed.has(id)),
    limits: state.limits ?? {},
    model: state.model ?? null,
  };
}

/** `session.updated`: one chat changed, or is gone. A chat of no tab makes the list stale, once. */
export function updated(session, { chat, removed, session_version }) {
  const next = seen(session, session_version);
  if (removed) return without(next, removed);
  if (!chat) return next;
  if (chat.kind !== "general" && chat.open === false) {
    const closed = without(next, chat.chat_id); // its tab was closed, perhaps in another window; the chat goes on
    return { ...closed, unlisted: [...new Set([...closed.unlisted, chat.chat_id])] };
  }
  const list = chat.kind === "general" ? "generals" : "tabs";
  const held = next[list].find((other) => other.chat_id === chat.chat_id);
  if (held) {
    const merged = newer(held, chat);
    return { ...next, [list]: next[list].map((other) => (other === held ? merged : other)) };
  }
  if (list === "generals") return { ...next, generals: [chat, ...next.generals] };
  if (next.unlisted.includes(chat.chat_id)) return next; // its tab was closed
  return { ...next, behind: true, unlisted: [...next.unlisted, chat.chat_id] };
}

/** `chat.mode_changed`. */
export function modeChanged(session, signal) {
  return {
    ...seen(session, signal.session_version),
    mode: signal.mode,
    generalChatId: signal.general_chat_id ?? session.generalChatId,
    activeChatId: signal.active_chat_id === undefined ? session.activeChatId : signal.active_chat_id,
  };
}

/** `chat.context_switched`: another chat is the active one, and general mode is left. */
export function contextSwitched(session, { to_chat_id, session_version }) {
  return { ...seen(session, session_version), mode: "workflow", activeChatId: to_chat_id ?? null };
}

/** The newest version there is news of. Several changes may come as one, so a jump alone is no loss. */
export function seen(session, version) {
  return Number.isInteger(version) && version > session.version ? { ...session, version } : session;
}

/** A heartbeat: a version that no signal told of means that one was missed. */
export function beat(session, version) {
  const next = seen(session, version);
  return next === session ? session : { ...next, behind: true };
}

/** The chat without its tab, wherever it was listed; never left as the current one (B69). */
export function without(session, chatId) {
  return {
    ...session,
    tabs: session.tabs.filter((tab) => tab.chat_id !== chatId),
    generals: session.generals.filter((chat) => chat.chat_id !== chatId),
    activeChatId: session.activeChatId === chatId ? null : session.activeChatId,
    generalChatId: session.generalChatId === chatId ? null : session.generalChatId,
  };
}

/** The tab or general chat with that id. */
export function chatOf(session, chatId) {
  return (
    session.tabs.find((tab) => tab.chat_id === chatId) ?? session.generals.find((chat) => chat.chat_id === chatId) ?? null
  );
}

/** The chat the page shows: the general one in general mode, else the active one. */
export function viewed(session) {
  return session.mode === "general" ? session.generalChatId : session.activeChatId;
}

/** The workflow chats that general mode holds. */
export function pausedByAsk(session) {
  return session.tabs.filter((tab) => tab.pause_reason === "general_mode" && ["paused", "pausing"].includes(tab.run_state));
}

/** Where leaving Ask leads (B65): the current chat, else the oldest active workflow, else none. */
export function resolveWorkflow(currentChatId, workflowSessions) {
  if (currentChatId) return currentChatId;
  return oldestFirst(workflowSessions.filter(isActive))[0]?.chat_id ?? null;
}

/** Workflow sessions with their times filled and never going back (B71, B72), oldest first. */
export function normaliseSessions(sessions, before = []) {
  const known = new Map(before.map((session) => [session.chat_id, session]));
  return oldestFirst(
    sessions.map((session) => {
      const created = session.created_at ?? session.last_updated_at ?? null;
      const told = session.last_updated_at ?? created;
      const held = known.get(session.chat_id)?.last_updated_at ?? null;
      return { ...session, created_at: created, last_updated_at: time(held) > time(told) ? held : told };
    }),
  );
}

function oldestFirst(sessions) {
  return [...sessions].sort(
    (one, other) => time(one.created_at) - time(other.created_at) || (one.chat_id < other.chat_id ? -1 : 1),
  );
}

function isActive(session) {
  return !session.status || session.status === "IN_PROGRESS";
}

// A summary that is behind the log the held one knows of is an old one.
function newer(held, chat) {
  if (!held || held.epoch !== chat.epoch || !(held.last_seq > chat.last_seq)) return chat;
  return { ...chat, ...held };
}

function time(timestamp) {
  const at = Date.parse(timestamp ?? "");
  return Number.isNaN(at) ? 0 : at;
}
