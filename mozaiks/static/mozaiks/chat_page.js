// The chat page: puts the client, the views and the address together.
import { createApi } from "./api.js";
import { forgetAll } from "./artifacts.js";
import { INITIAL, createClient } from "./client.js";
import { publishContext } from "./context.js";
import { pageUrl, readConfig, socketUrl } from "./config.js";
import { createDrafts, createOutbox } from "./drafts.js";
import { stateOf } from "./format.js";
import { chatOf, viewed } from "./session.js";
import { beforePaint, createStore } from "./store.js";
import { artifactsOf } from "./transcript.js";
import { artifactPanelView } from "./views/artifact_panel.js";
import { askListView, bannerView, modeView } from "./views/ask.js";
import { composerView } from "./views/composer.js";
import { button, h, setAttributes, setText } from "./views/dom.js";
import { emptyChat, emptyPage } from "./views/empty.js";
import { headerView } from "./views/header.js";
import { statusView } from "./views/status.js";
import { tabsView } from "./views/tabs.js";
import { isUntouched, transcriptView } from "./views/transcript_view.js";

const MOST_VIEWS = 12; // transcripts kept on the page
const PHONE = "(max-width: 899px)";
const NONE = [];
const others = new WeakMap(); // items of a transcript -> its artifacts

const $ = (id) => document.getElementById(id);
const config = readConfig();
const store = createStore(INITIAL, beforePaint);
const client = createClient({
  store,
  api: createApi(config),
  open: () => new WebSocket(socketUrl(config.websocket_path)),
  storage: localStorage,
  outbox: createOutbox(sessionStorage, `${config.app_id}.${config.user_id}`),
});
const drafts = createDrafts(localStorage, `${config.app_id}.${config.user_id}`);

const transcripts = new Map(); // chat_id -> view
let current = null;
let openMenu = () => {};

const tabs = tabsView($("tabs"), client);
openMenu = tabs.openMenu;
const views = [
  tabs,
  modeView($("modes"), client),
  askListView($("ask"), client),
  bannerView($("banner"), client),
  statusView({ root: $("status"), bar: $("lost"), foot: $("foot") }, client),
];
const header = headerView($("chat-head"), { client });
const composer = composerView($("composer"), { client, drafts, openMenu: () => openMenu(), showRequest: () => current?.view.showRequest() });
const panel = artifactPanelView($("artifact"), { client });
const nothing = emptyPage({ client });
const notice = noticeView($("notice"));
const askDrawer = drawer();

publishContext(client, config);
store.listen(update);
store.listen(seen);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  client.connection.nudge();
  seen(store.state);
});
addEventListener("online", () => client.connection.nudge());
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && matchMedia(PHONE).matches && current && !event.defaultPrevented) closeSheets();
});
document.querySelector("form[action='/logout']")?.addEventListener("submit", () => forgetAll(localStorage));
if (config.debug) window.mozaiks = client;
readAddress();
update(store.state);
client.start();

function update(state) {
  const { session } = state;
  const id = viewed(session);
  const chat = id ? (chatOf(session, id) ?? standIn(id, session)) : null;
  const transcript = id ? state.transcripts[id] : undefined;
  setAttributes(document.documentElement, { "data-mode": session.mode });
  for (const view of views) view.update(state);

  const shown = artifactFor(state, id);
  const open = Boolean(shown.artifact) && panelOpen(state, id);
  header.update({ chat, transcript, mode: session.mode, artifact: shown.artifact, panelOpen: open, usage: state.usage[id] });
  composer.update({ chat, transcript, queue: state.queues[id] ?? [], mode: session.mode, known: !isUntouched(transcript?.items ?? NONE), requestInView: state.requestInView });
  panel.update({ chatId: id, artifact: shown.artifact, others: shown.others, open });
  setAttributes($("stage"), { "data-panel": open, "data-ask": session.mode === "general" });
  $("ask").hidden = session.mode !== "general";

  show(id, chat);
  nothing.update(state, { visible: session.known && !chat });
  $("starting").hidden = session.known;
  if (current) {
    current.view.update({
      transcript,
      pending: pendingOf(state, id),
      loading: state.loadingOlder[id],
      opening: state.opening[id] && !transcript?.items.length,
      emptyState: current.empty.update(state, chat),
    });
  }
  notice.update(state.notice);
  askDrawer.update(session);
  document.title = titleOf(session, chat);
}

// One transcript is in the page's flow at a time; the others wait with their scroll and their forms.
function show(id, chat) {
  if (current?.id === id && (id === null || current)) return;
  if (current) {
    current.top = current.view.atEnd() ? null : current.view.element.firstElementChild.scrollTop;
    current.view.element.hidden = true;
  }
  if (!id || !chat) {
    current = null;
    return;
  }
  current = transcripts.get(id);
  if (!current) {
    current = { id, view: transcriptView(id, { client, drafts }), empty: emptyChat() };
    $("transcripts").append(current.view.element);
  }
  transcripts.delete(id);
  transcripts.set(id, current);
  current.view.element.hidden = false;
  const { view, top } = current;
  requestAnimationFrame(() => (top === null || top === undefined ? view.toEnd() : (view.element.firstElementChild.scrollTop = top)));
  if (transcripts.size > MOST_VIEWS) {
    const [oldest, dropped] = transcripts.entries().next().value;
    dropped.view.element.remove();
    transcripts.delete(oldest);
  }
  if (!matchMedia(PHONE).matches && !document.querySelector("dialog[open]")) composer.focus();
}

// A chat that the list does not have yet, or not any more.
function standIn(id, session) {
  const kind = session.mode === "general" ? "general" : "workflow";
  return session.known ? { chat_id: id, kind, label: "", status: "IN_PROGRESS", run_state: "idle", unread: 0, waiting: 0 } : null;
}

function artifactFor({ artifacts, shown, transcripts: held, session }, id) {
  if (!id || session.mode === "general") return { artifact: null, others: [] };
  return { artifact: artifacts[shown[id]] ?? null, others: othersOf(held[id]) };
}

function othersOf(transcript) {
  if (!transcript) return NONE;
  if (!others.has(transcript.items)) others.set(transcript.items, artifactsOf(transcript));
  return others.get(transcript.items);
}

// Open beside the conversation unless it was closed; as a sheet only when it was asked for.
function panelOpen({ panel: asked }, id) {
  return matchMedia(PHONE).matches ? asked[id] === true : asked[id] !== false;
}

function pendingOf(state, id) {
  return state.pending.length ? state.pending.filter(({ chatId }) => chatId === id) : NONE;
}

function seen({ session, transcripts: held }) {
  const id = viewed(session);
  if (!id || document.hidden || !current || current.id !== id) return;
  clearTimeout(seen.timer);
  seen.timer = setTimeout(() => {
    if (current?.id === id && current.view.atEnd()) client.commands.markSeen(id, held[id]?.seq);
  }, 600);
}

function titleOf(session, chat) {
  const waiting = session.tabs.filter((tab) => stateOf(tab) === "waiting").length;
  return `${waiting ? `(${waiting}) ` : ""}${chat?.label || "Mozaiks"}${chat?.label ? " · Mozaiks" : ""}`;
}

function readAddress() {
  const asked = new URLSearchParams(location.search);
  if (asked.has("chat") || asked.has("mode")) {
    client.commands.intend({ chat: asked.get("chat"), mode: asked.get("mode") });
    history.replaceState(null, "", pageUrl(location.pathname));
  }
}

function closeSheets() {
  if (store.state.panel[current.id]) client.commands.togglePanel(current.id, false);
}

function noticeView(root) {
  const text = h("span", {});
  const close = button({ iconName: "close", label: "Dismiss", kind: "quiet", onclick: () => client.commands.say(null) });
  root.append(text, close);
  let last = null;
  return {
    update(told) {
      if (told === last) return;
      last = told;
      root.hidden = !told;
      clearTimeout(noticeView.timer);
      if (!told) return;
      setText(text, told.text);
      setAttributes(root, { "data-tone": told.tone });
      noticeView.timer = setTimeout(() => client.commands.say(null), told.tone === "failed" ? 9_000 : 3_500);
    },
  };
}

// On a phone the list of general chats is behind a button.
function drawer() {
  const toggle = button({ text: "Chats", iconName: "chat", kind: "quiet outlined phone-only", testid: "ask-drawer" });
  toggle.setAttribute("aria-controls", "ask");
  toggle.addEventListener("click", () => open($("ask").dataset.open === undefined));
  $("chat-head").prepend(toggle);
  const open = (on) => {
    $("ask").toggleAttribute("data-open", on);
    toggle.setAttribute("aria-expanded", String(on));
  };
  $("ask").addEventListener("click", (event) => event.target.closest("button") && open(false));
  let general = null;
  return {
    update(session) {
      toggle.hidden = session.mode !== "general";
      if (general !== session.generalChatId || session.mode !== "general") open(false);
      general = session.generalChatId;
    },
  };
}
