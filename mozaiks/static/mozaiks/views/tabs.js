// The tab strip: one tab for each open workflow, and the menu that opens another.
import { button, h, icon, keyed, setAttributes, setText } from "./dom.js";
import { popover } from "./dialog.js";
import { workflowCard } from "./workflow_cards.js";
import { stateOf, stateWord } from "../format.js";

/** `update(state)` shows the strip. */
export function tabsView(root, client) {
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Open workflows", data: { testid: "tab-strip" } });
  const menu = newWorkflowMenu(client);
  root.append(list, menu.element);
  let shown = null;
  let moved = null;

  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const tabs = [...list.querySelectorAll("[role=tab]")];
    const at = tabs.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    if (event.altKey) return reorder(tabs.map((tab) => tab.dataset.chatId), at, at + step);
    tabs[(at + step + tabs.length) % tabs.length].focus();
  });

  function reorder(ids, from, to) {
    if (to < 0 || to >= ids.length || from === to) return;
    const order = [...ids];
    order.splice(to, 0, ...order.splice(from, 1));
    client.commands.reorderTabs(order);
  }

  function create({ chat_id: id }) {
    const parts = { dot: h("i", { class: "dot", "aria-hidden": "true" }), label: h("span", { class: "tab-label" }), word: h("span", { class: "tab-word" }), unread: h("span", { class: "badge" }) };
    const tab = h(
      "button",
      { type: "button", role: "tab", class: "tab-main", draggable: "true", data: { testid: "tab", chatId: id }, onclick: () => client.commands.switchTo(id) },
      parts.dot,
      h("span", { class: "tab-text" }, parts.label, parts.word),
      parts.unread,
    );
    const close = h("button", { type: "button", class: "tab-close", data: { testid: "tab-close" }, onclick: () => client.commands.closeTab(id) }, icon("close"));
    const element = h("div", { class: "tab", role: "presentation" }, tab, close);
    tab.addEventListener("dragstart", () => (moved = id));
    element.addEventListener("dragover", (event) => moved && event.preventDefault());
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      const ids = client.store.state.session.tabs.map((one) => one.chat_id);
      reorder(ids, ids.indexOf(moved), ids.indexOf(id));
      moved = null;
    });
    return { element, tab, close, parts };
  }

  function update(view, { session, active, tab }) {
    const state = stateOf(tab);
    const selected = active && session.mode !== "general";
    setAttributes(view.element, { "data-state": state, "data-active": selected });
    setAttributes(view.tab, {
      "aria-selected": String(selected),
      tabindex: active || (!session.activeChatId && session.tabs[0] === tab) ? 0 : -1,
      "data-state": state,
      "data-run-state": tab.run_state,
      "data-status": tab.status,
      title: tab.label,
    });
    setText(view.parts.label, tab.label || tab.workflow_name || "Workflow");
    setText(view.parts.word, stateWord(state));
    setAttributes(view.parts.unread, { hidden: !(tab.unread > 0) || selected, "aria-label": `${tab.unread} unread` });
    setText(view.parts.unread, tab.unread > 99 ? "99+" : String(tab.unread ?? 0));
    setAttributes(view.close, { "aria-label": `Close the tab ${tab.label}`, title: "Close this tab; the workflow goes on" });
  }

  return {
    update({ session }) {
      if (shown === session) return;
      const before = shown?.activeChatId;
      shown = session;
      const entries = session.tabs.map((tab) => ({ tab, session, active: tab.chat_id === session.activeChatId }));
      keyed(list, entries, ({ tab }) => tab.chat_id, ({ tab }) => create(tab), update);
      if (before !== session.activeChatId) list.querySelector("[data-active]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    },
    openMenu: menu.open,
  };
}

function newWorkflowMenu(client) {
  const trigger = button({ text: "New workflow", iconName: "plus", kind: "quiet new-tab", testid: "new-workflow" });
  const menu = popover(trigger, {
    label: "Start a workflow",
    align: "end",
    className: "wide",
    onclose: () => client.store.set({ choosing: false }),
    fill(panel, close) {
      client.store.set({ choosing: true });
      panel.append(h("h2", {}, "Start a workflow"));
      const slot = h("div", { class: "stack", role: "list" }, h("p", { class: "soft" }, "Loading…"));
      panel.append(slot);
      client.commands.refreshAvailable().then(() => {
        const { available } = client.store.state;
        const start = async (name) => {
          const result = await client.commands.startWorkflow(name);
          if (result.ok) close(false);
        };
        slot.replaceChildren(
          ...(available?.length
            ? available.map((one) => workflowCard(one, start))
            : [h("p", { class: "soft" }, "No workflow is installed on this server.")]),
        );
        slot.querySelector("button:not([disabled])")?.focus();
      });
    },
  });
  return menu;
}
