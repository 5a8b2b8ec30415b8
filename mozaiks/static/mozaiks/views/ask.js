// Ask Mozaiks: the toggle, its chats, and what it holds up meanwhile.
import { button, h, icon, keyed, setAttributes, setText } from "./dom.js";
import { count, when } from "../format.js";
import { pausedByAsk } from "../session.js";

/** The two modes as one control. */
export function modeView(root, client) {
  const workflows = h("button", { type: "button", data: { testid: "workflow-toggle" }, onclick: () => mode === "general" && client.commands.leaveAsk() }, "Workflows");
  const ask = h("button", { type: "button", class: "ask", data: { testid: "ask-toggle" }, onclick: () => (mode === "general" ? client.commands.leaveAsk() : client.commands.enterAsk()) }, icon("chat"), h("span", {}, "Ask", h("span", { class: "wide-only" }, " Mozaiks")));
  const element = h("div", { class: "modes", role: "group", "aria-label": "Mode", data: { testid: "mode", mode: "workflow" } }, workflows, ask);
  let mode = "workflow";
  root.append(element);
  return {
    update({ session }) {
      mode = session.mode;
      setAttributes(element, { "data-mode": mode });
      setAttributes(workflows, { "aria-pressed": String(mode !== "general") });
      setAttributes(ask, { "aria-pressed": String(mode === "general") });
    },
  };
}

/** The list of general chats, newest first. */
export function askListView(root, client) {
  const list = h("ul", { class: "general-chats", data: { testid: "ask-list" } });
  const add = button({ text: "New chat", iconName: "plus", kind: "quiet outlined", testid: "new-general-chat", onclick: () => client.commands.newGeneralChat() });
  const none = h("p", { class: "soft small" }, "No chats yet. Ask something below.");
  root.append(h("div", { class: "row between" }, h("h2", {}, "Ask Mozaiks"), add), none, list);
  let shown = {};

  function create({ chat_id: id }) {
    const label = h("span", { class: "cut" });
    const time = h("span", { class: "soft small" });
    const open = h("button", { type: "button", class: "general", data: { testid: "general-chat", chatId: id }, onclick: () => client.commands.enterAsk(id) }, label, time);
    return { element: h("li", {}, open), open, label, time };
  }

  function update(view, { chat, current }) {
    setText(view.label, chat.label ?? "Chat");
    setText(view.time, when(chat.last_updated_at ?? chat.created_at));
    setAttributes(view.open, { "aria-current": current ? "true" : null, "data-unread": chat.unread > 0 && !current });
  }

  return {
    update({ session, generalSessions }) {
      if (shown.session === session && shown.generalSessions === generalSessions) return;
      shown = { session, generalSessions };
      const chats = mergeChats(session.generals, generalSessions);
      none.hidden = chats.length > 0;
      const entries = chats.map((chat) => ({ chat, current: session.mode === "general" && chat.chat_id === session.generalChatId }));
      keyed(list, entries, ({ chat }) => chat.chat_id, ({ chat }) => create(chat), update);
    },
  };
}

/** "2 workflows paused", with the way back. */
export function bannerView(root, client) {
  const text = h("span", {});
  root.append(text, button({ text: "Resume", iconName: "play", kind: "quiet outlined", testid: "ask-resume", onclick: () => client.commands.leaveAsk() }));
  return {
    update({ session }) {
      const paused = pausedByAsk(session).length;
      root.hidden = session.mode !== "general" || !paused;
      setText(text, `${count(paused, "workflow")} paused`);
    },
  };
}

// The session's own list is live; the list by REST is longer.
function mergeChats(live, listed) {
  const known = new Set(live.map((chat) => chat.chat_id));
  const chats = [...live, ...listed.filter((chat) => !known.has(chat.chat_id))];
  const time = (chat) => Date.parse(chat.created_at ?? "") || 0;
  return chats.sort((one, other) => time(other) - time(one));
}
