// What there is to see where there is nothing yet: a sentence, and a button.
import { button, h, setText } from "./dom.js";
import { workflowCard } from "./workflow_cards.js";

/** The page without a chat. */
export function emptyPage({ client }) {
  const root = document.getElementById("nothing");
  const heading = h("h1", {});
  const text = h("p", { class: "soft" });
  const cards = h("div", { class: "stack" });
  const go = button({ text: "Continue", kind: "primary", testid: "continue" });
  go.addEventListener("click", () => client.commands.switchTo(go.dataset.chatId));
  root.append(h("div", { class: "column stack" }, h("div", { class: "mosaic big", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i")), heading, text, h("div", {}, go), cards));
  let shown = NONE;
  return {
    update({ session, available, choosing }, { visible }) {
      root.hidden = !visible;
      const offered = visible && !choosing && session.mode !== "general" ? available : NONE;
      if (offered !== shown) {
        shown = offered; // never the same card twice on a page: the menu has them while it is open
        cards.replaceChildren(...cardsOf(offered));
      }
      if (!visible) return;
      const next = session.tabs[0];
      if (session.mode === "general") {
        setText(heading, "Ask Mozaiks");
        setText(text, "Pick a chat from the list, or start a new one.");
      } else {
        setText(heading, next ? "Pick up where you left off" : "Start your first workflow");
        setText(text, next ? "Your workflows are in the tabs above. They keep working while you are away." : "A team of agents works for you in a tab of its own. Start one; you can run several side by side.");
      }
      go.hidden = !next || session.mode === "general";
      if (next) {
        go.dataset.chatId = next.chat_id;
        setText(go.querySelector("span"), `Continue ${next.label}`);
      }
    },
  };

  function cardsOf(offered) {
    if (offered === NONE) return [];
    if (!offered) return [h("p", { class: "soft" }, "Loading the workflows…")];
    if (!offered.length) return [h("p", { class: "soft" }, "No workflow is installed on this server.")];
    return offered.map((one) => workflowCard(one, (name) => client.commands.startWorkflow(name)));
  }
}

const NONE = [];

/** A chat that holds no message yet. */
export function emptyChat() {
  const heading = h("h2", {});
  const text = h("p", { class: "soft" });
  const element = h("div", { class: "empty-chat" }, h("div", { class: "mosaic big", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i")), heading, text);
  return {
    update({ session, available }, chat) {
      if (session.mode === "general") {
        setText(heading, "What would you like to know?");
        setText(text, "Mozaiks sees your open tabs, what your workflows do and their artifacts. Nothing you ask here reaches a workflow.");
      } else {
        const known = available?.find((one) => one.workflow_name === chat?.workflow_name);
        setText(heading, chat?.workflow_name ?? "New workflow");
        setText(text, known?.description || "Write the first message below, and its agents begin.");
      }
      return element;
    },
  };
}
