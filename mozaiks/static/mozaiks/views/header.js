// The head of a conversation: its name, what it does now, and what can be done about it.
import { button, h, setAttributes, setText } from "./dom.js";
import { confirmDialog, popover, promptDialog } from "./dialog.js";
import { agentName, stateOf, stateWord } from "../format.js";

/** `update({chat, transcript, mode, artifact, panelOpen, usage})`. */
export function headerView(root, { client }) {
  let chat = null;
  let label = "";
  const heading = h("h1", {});
  const dot = h("i", { class: "dot", "aria-hidden": "true" });
  const state = h("span", { class: "chat-state" });
  const state2 = h("span", { class: "state-line soft", role: "status", data: { testid: "chat-state" } }, dot, state);
  const act = (name) => () => chat && client.commands[name](chat.chat_id);
  const pause = button({ text: "Pause", iconName: "pause", kind: "quiet outlined icon-on-phone", testid: "pause", onclick: act("pause") });
  const resume = button({ text: "Resume", iconName: "play", kind: "primary", testid: "resume", onclick: act("resume") });
  const retry = button({ text: "Retry", iconName: "retry", kind: "primary", testid: "retry", onclick: act("retry") });
  const panel = button({ text: "Artifact", iconName: "panel", label: "Artifact", kind: "quiet outlined icon-on-phone", testid: "artifact-toggle" });
  panel.addEventListener("click", () => chat && client.commands.togglePanel(chat.chat_id, panel.getAttribute("aria-expanded") !== "true"));
  const more = popover(button({ iconName: "more", label: "More actions", kind: "quiet", testid: "chat-menu" }), { label: "More actions", fill: fillMenu, align: "end" });
  root.append(h("div", { class: "grow titles" }, heading, state2), h("div", { class: "row actions" }, pause, resume, retry, panel, more.element));

  function fillMenu(menu, close) {
    const entry = (text, testid, act, kind = "quiet") =>
      button({ text, kind: `${kind} entry`, testid, onclick: () => (close(true), act()) });
    const id = chat.chat_id;
    const general = chat.kind === "general";
    menu.append(
      entry("Rename…", "rename", async () => {
        const name = await promptDialog({ heading: "Rename", label: "Name", value: label });
        if (name) client.commands.rename(id, name);
      }),
    );
    if (!general && chat.status === "IN_PROGRESS") {
      menu.append(
        entry("Complete…", "complete", async () => {
          const sure = await confirmDialog({ heading: "Complete this workflow?", text: "It ends here. Its conversation and artifacts stay, and no agent goes on with it.", action: "Complete", kind: "primary" });
          if (sure) client.commands.complete(id);
        }),
      );
    }
    menu.append(
      entry("Delete…", "delete", async () => {
        const sure = await confirmDialog({ heading: `Delete “${label}”?`, text: "The conversation is removed for good. This cannot be undone.", action: "Delete" });
        if (sure) client.commands.remove(id);
      }, "danger-text"),
    );
  }

  return {
    update({ chat: next, transcript, mode, artifact, panelOpen, usage }) {
      chat = next;
      root.hidden = !chat;
      if (!chat) return;
      label = chat.label || chat.title || chat.workflow_name || "Chat";
      const now = stateOf(chat);
      setText(heading, label);
      setAttributes(root, { "data-state": now });
      setText(state, lineOf(now, { chat, transcript, mode, usage }));
      const workflow = mode !== "general" && chat.status === "IN_PROGRESS";
      const paused = ["paused", "pausing"].includes(chat.run_state);
      pause.hidden = !workflow || paused || chat.run_state === "failed";
      resume.hidden = !workflow || !paused;
      retry.hidden = !(chat.status === "IN_PROGRESS" && chat.run_state === "failed");
      panel.hidden = !artifact;
      if (artifact) setText(panel.querySelector("span"), artifact.type ?? "Artifact");
      setAttributes(panel, { "aria-label": `Artifact ${artifact?.type ?? ""}`, "aria-expanded": String(Boolean(panelOpen)), "aria-controls": "artifact" });
    },
  };
}

function lineOf(state, { chat, transcript, mode, usage }) {
  const parts = [];
  if (state === "running" && transcript?.speaker && mode !== "general") parts.push(`${agentName(transcript.speaker)} is working`);
  else if (state === "running" && mode === "general") parts.push("Mozaiks is answering");
  else if (state === "paused" && chat.pause_reason === "general_mode") parts.push("Paused while you ask Mozaiks");
  else if (state === "paused" && chat.pause_reason === "budget") parts.push("Paused: the budget is used up");
  else parts.push(stateWord(state));
  if (mode !== "general" && chat.workflow_name && chat.label !== chat.workflow_name) parts.push(chat.workflow_name);
  const tokens = usage ? (usage.total_tokens ?? (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0)) : 0;
  if (tokens) parts.push(`${tokens.toLocaleString()} tokens`);
  return parts.join(" · ");
}
