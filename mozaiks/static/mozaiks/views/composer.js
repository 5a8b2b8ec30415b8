// Where a person writes. Enter sends, Shift+Enter makes a line; a draft is kept for each chat.
import { button, h, keyed, setAttributes, setText } from "./dom.js";
import { promptDialog } from "./dialog.js";
import { openRequests } from "../transcript.js";
import { stateOf } from "../format.js";

const TALLEST = 220; // px
const MOST_CHARACTERS = 50_000;
const MOST_BYTES = 60_000; // of a frame of 64 KiB, with room for what is around the text

/** Why a text cannot be sent, in words; empty where it can. Nothing is cut. */
export function excess(text) {
  const characters = [...text].length;
  if (characters > MOST_CHARACTERS) return `This message has ${characters.toLocaleString()} characters; at most ${MOST_CHARACTERS.toLocaleString()} can be sent at once.`;
  const bytes = characters > MOST_BYTES / 4 ? new Blob([JSON.stringify(text)]).size : 0;
  return bytes > MOST_BYTES ? `This message is ${Math.ceil(bytes / 1000)} kB in this script; at most ${MOST_BYTES / 1000} kB can be sent at once. Send it in parts.` : "";
}

/** `update({chat, transcript, queue, mode})`; without a chat it is not there. */
export function composerView(root, { client, drafts, openMenu, showRequest }) {
  const field = h("textarea", { id: "message", class: "composer-field", rows: 1, "aria-label": "Message", data: { testid: "composer-input" } });
  const send = button({ iconName: "send", label: "Send", kind: "primary round", type: "submit", testid: "send" });
  const stop = button({ text: "Stop", iconName: "stop", kind: "quiet outlined icon-on-phone", testid: "stop", onclick: () => chatId && client.commands.stop(chatId) });
  const form = h("form", { class: "composer" }, field, h("div", { class: "composer-buttons" }, stop, send));
  const queue = h("ul", { class: "queue", "aria-label": "Messages that wait" });
  const ask = h("div", { class: "needs", hidden: true }, h("span", {}), button({ text: "Show", kind: "quiet outlined", onclick: () => showRequest() }));
  const over = h("div", { class: "needs over", hidden: true }, h("span", {}), button({ text: "Start another", iconName: "plus", kind: "quiet outlined", onclick: () => openMenu() }));
  const tooLong = h("p", { class: "problem small", role: "status", hidden: true, data: { testid: "too-long" } });
  root.append(h("div", { class: "column" }, ask, queue, over, tooLong, form));
  let chatId = null;
  let shape = "";

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(TALLEST, field.scrollHeight)}px`;
    const words = excess(field.value);
    tooLong.hidden = !words;
    setText(tooLong, words);
    send.disabled = !field.value.trim() || Boolean(words);
  }

  field.addEventListener("input", () => {
    fit();
    if (chatId) drafts.set(chatId, field.value);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || !chatId || excess(text)) return;
    field.value = "";
    drafts.forget(chatId);
    fit();
    client.commands.submit(chatId, text);
    field.focus();
  });

  function queued({ queued_id: id, text }) {
    const edit = button({
      text: "Edit",
      kind: "quiet",
      onclick: async () => {
        const changed = await promptDialog({ heading: "Edit the message", label: "Message", value: text, long: true, maxlength: 50_000 });
        if (changed) client.commands.editQueued(chatId, id, changed);
      },
    });
    const remove = button({ iconName: "close", label: "Withdraw this message", onclick: () => client.commands.removeQueued(chatId, id) });
    return h("li", { data: { testid: "queued-message", queuedId: id } }, h("span", { class: "pill" }, "Queued"), h("span", { class: "cut" }, text), edit, remove);
  }

  return {
    focus: () => field.focus(),
    update({ chat, transcript, queue: waiting, mode, known, requestInView }) {
      root.hidden = !chat;
      if (!chat) {
        chatId = null;
        return;
      }
      if (chat.chat_id !== chatId) {
        chatId = chat.chat_id;
        field.value = drafts.get(chatId) ?? "";
        requestAnimationFrame(fit);
      }
      const state = stateOf(chat);
      const closed = mode !== "general" && ["COMPLETED", "FAILED"].includes(chat.status);
      const open = transcript ? openRequests(transcript) : [];
      form.hidden = closed;
      over.hidden = !closed;
      setText(over.firstChild, chat.status === "COMPLETED" ? "This workflow is completed. Its conversation stays here to read." : "This workflow has failed. Its conversation stays here to read.");
      ask.hidden = closed || !open.length || requestInView;
      setText(ask.firstChild, open.length === 1 ? "This workflow waits for your answer." : `This workflow waits for ${open.length} answers.`);
      stop.hidden = !["queued", "running", "waiting", "pausing"].includes(chat.run_state);
      const placed = `${stop.hidden}${field.placeholder}`;
      setAttributes(field, { placeholder: placeholder({ chat, state, mode, open, known }) });
      if (placed !== shape) requestAnimationFrame(fit);
      shape = placed;
      keyed(queue, waiting, (one) => `${one.queued_id}:${one.text}`, queued);
      queue.hidden = !waiting.length;
    },
  };
}

function placeholder({ chat, state, mode, open, known }) {
  if (mode === "general") return "Ask Mozaiks anything";
  if (open.length === 1 && open[0].ask === "question") return "Answer the question";
  if (state === "running" || state === "queued") return "Write the next message; it waits its turn";
  if (state === "paused") return "Paused: what you write waits until you resume";
  if (!known) return `Tell ${chat.workflow_name ?? "the workflow"} what you want`;
  return "Write a message";
}
