// One chat's transcript on the page; it is kept while other chats are shown, with its scroll and its forms.
//
// The one rule: an element changes only when its item does.
import { button, h, icon, keyed, setAttributes, setText } from "./dom.js";
import { inputCard } from "./input_card.js";
import { jsonView } from "./json_view.js";
import { agentName, hue, title, when } from "../format.js";
import { render } from "../markdown.js";

const LONGEST_LIVE = 30_000; // characters that are formatted while they are still written
const NEAR = 120; // px from the end that still count as being there

/** `{element, update(slice), atEnd(), toEnd(), showRequest()}` for one chat. */
export function transcriptView(chatId, { client, drafts }) {
  const older = button({ text: "Show earlier messages", kind: "quiet outlined", testid: "load-older", onclick: () => client.commands.loadOlder(chatId) });
  const head = h("div", { class: "older", hidden: true }, older);
  const list = h("ol", { class: "messages" });
  const live = h("ol", { class: "messages", "aria-live": "off" }); // read out once it is whole, not word by word
  const sent = h("ol", { class: "messages" });
  const empty = h("div", { class: "empty" });
  const column = h("div", { class: "column" }, head, empty, list, live, sent);
  const element = h("div", { class: "transcript", tabindex: "0", role: "log", "aria-label": "Conversation", "aria-live": "polite", data: { testid: "transcript", chatId } }, column);
  const jump = button({ iconName: "down", label: "Go to the newest message", kind: "jump", onclick: () => toEnd(true) });
  jump.hidden = true;
  const wrapper = h("div", { class: "transcript-frame" }, element, jump);
  let pinned = true;
  let held = null; // the tall request whose top is shown instead of the end
  let shown = {};

  element.addEventListener("scroll", () => {
    pinned = atEnd() || Boolean(held?.isConnected && Math.abs(held.getBoundingClientRect().top - element.getBoundingClientRect().top - 14) < 4);
    jump.hidden = atEnd();
    const asked = !pinned && element.scrollTop < 60 && !head.hidden; // scrolled up to the first one, by hand
    if (asked) client.commands.loadOlder(chatId);
  });
  new ResizeObserver(() => pinned && toEnd()).observe(element);

  // A request that is taller than the page is read from its top, not from its end.
  const watcher = new IntersectionObserver(
    (entries) => client.store.set({ requestInView: entries.at(-1).isIntersecting }),
    { root: element, threshold: 0.25 },
  );

  const atEnd = () => element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
  function toEnd(smooth = false) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const card = !smooth && list.lastElementChild?.querySelector(".input-card[data-status=open]");
    const high = card && !live.children.length && !sent.children.length && card.offsetHeight > element.clientHeight - 60;
    const top = high ? card.getBoundingClientRect().top - element.getBoundingClientRect().top + element.scrollTop - 14 : element.scrollHeight;
    element.scrollTo({ top, behavior: smooth && !calm ? "smooth" : "instant" });
    held = high ? card : null;
    pinned = true;
    jump.hidden = true;
  }

  function update({ transcript, pending, loading, opening, emptyState }) {
    const items = transcript?.items ?? NONE;
    const streaming = transcript?.streaming ?? NONE;
    const height = element.scrollHeight;
    const top = element.scrollTop;
    const grewBefore = shown.from !== undefined && transcript && transcript.from < shown.from;
    if (items !== shown.items) {
      const visible = items.filter((item) => item.kind !== "message" || item.visible);
      keyed(list, visible, (item) => item.key, create, updateItem);
      markRepeats(list);
    }
    if (streaming !== shown.streaming) keyed(live, streaming, (item) => item.key, create, updateItem);
    if (pending !== shown.pending) keyed(sent, pending, (one) => one.id, (one) => pendingView(one, client), updatePending);
    head.hidden = !transcript || transcript.from <= 1;
    older.disabled = loading === true;
    setText(older.querySelector("span"), loading ? "Loading…" : "Show earlier messages");
    const bare = isUntouched(items) && !streaming.length && !pending.length;
    list.hidden = bare;
    empty.hidden = !bare;
    const inPlace = bare ? (opening ? "opening" : emptyState) : null;
    if (inPlace && inPlace !== shown.inPlace) empty.replaceChildren(opening ? skeleton() : emptyState);
    if (grewBefore) element.scrollTop = top + element.scrollHeight - height;
    else if (pinned || pending.length > (shown.pending?.length ?? 0)) toEnd();
    shown = { items, streaming, pending, from: transcript?.from, inPlace };
  }

  function create(item) {
    const element = h("li", { class: `item ${item.kind}` });
    return { element, body: null };
  }

  function updateItem(view, item) {
    if (item.kind === "message") return messageView(view, item);
    if (item.kind === "tool") return toolView(view, item);
    if (item.kind === "input") return requestView(view, item);
    if (item.kind === "artifact") return artifactView(view, item);
    setAttributes(view.element, { "data-tone": item.tone });
    return view.element.replaceChildren(h("span", {}, item.text));
  }

  function requestView(view, item) {
    const card = inputCard(item, { client, drafts });
    const before = view.element.firstElementChild;
    if (before) watcher.unobserve(before);
    view.element.replaceChildren(card);
    if (item.status === "open") watcher.observe(card);
  }

  function artifactView(view, item) {
    const verb = { created: "made", updated: "updated", restored: "restored", bound: "linked" }[item.operation] ?? "changed";
    const text = h("span", {}, h("strong", {}, item.type), h("span", { class: "soft" }, ` ${verb} · version ${item.version}`));
    const open = h("button", { type: "button", class: "artifact-link card", data: { testid: "artifact-link", artifactId: item.artifactId }, onclick: () => client.commands.showArtifact(chatId, item.artifactId) }, icon("panel"), text, h("span", { class: "link" }, "Open"));
    view.element.replaceChildren(open);
  }

  return {
    element: wrapper,
    update,
    atEnd,
    toEnd,
    showRequest() {
      const card = list.querySelector(".input-card[data-status=open]");
      card?.scrollIntoView({ block: "center" });
      card?.querySelector("input, textarea, select, button")?.focus({ preventScroll: true });
    },
  };
}

const NONE = [];

/** True where a chat holds nothing but the note that it began. */
export function isUntouched(items) {
  return items.every((item) => (item.kind === "note" && item.tone === "plain") || (item.kind === "message" && !item.visible));
}

function skeleton() {
  return h("div", { class: "skeleton", "aria-label": "Loading the conversation" }, h("i"), h("i"), h("i"));
}

function messageView(view, item) {
  const user = item.role === "user";
  if (!view.body) {
    view.body = h("div", { class: "bubble prose" });
    view.extra = h("div", { class: "extra" });
    view.name = h("span", { class: "agent" });
    view.time = h("time", { class: "soft small" });
    const avatar = h("span", { class: "avatar", "aria-hidden": "true" });
    setText(avatar, user ? "" : initials(item.agent));
    view.element.append(
      ...(user ? [] : [h("div", { class: "byline" }, avatar, view.name, view.time)]),
      view.body,
      view.extra,
    );
  }
  setAttributes(view.element, {
    "data-testid": "message",
    "data-role": item.role,
    "data-agent": item.agent ?? "",
    "data-message-id": item.id,
    "data-hue": user ? null : hue(item.agent ?? ""),
    "data-streaming": !item.final,
    "data-source": item.source,
  });
  setText(view.name, agentName(item.agent || "agent"));
  setText(view.time, item.at ? when(item.at) : "");
  if (user || (!item.final && item.text.length > LONGEST_LIVE)) setText(view.body, item.text);
  else if ((!item.final || item.partial) && /^\s*[[{]/.test(item.text)) writing(view, item.text, item.final);
  else if (item.structured !== null && item.structured !== undefined && item.final) structured(view, item);
  else view.body.innerHTML = render(item.text);
  const notes = [
    item.final && item.partial ? h("span", { class: "pill" }, "Stopped here") : null,
    !item.final && !item.text ? h("span", { class: "soft thinking" }, "Thinking…") : null,
  ].filter(Boolean);
  view.extra.replaceChildren(...notes);
}

// Structured output as it is written is not for reading: its end is shown, small.
function writing(view, text, ended) {
  view.body.replaceChildren(h("details", { class: "fold" }, h("summary", {}, ended ? "An unfinished result" : `Writing its result… ${text.length.toLocaleString()} characters`), h("pre", { class: "code" }, text.slice(-600))));
}

function structured(view, item) {
  const words = /^\s*[[{]/.test(item.text) ? gistOf(item.structured) : item.text;
  const said = h("div", { class: "prose" });
  said.innerHTML = render(words);
  const fold = h("details", { class: "fold" }, h("summary", {}, words ? "The result in detail" : "The result"), jsonView(item.structured));
  view.body.replaceChildren(...(words ? [said, fold] : [fold]));
}

// The sentence of a structured answer that says most: the longest of its own strings.
function gistOf(value) {
  if (typeof value !== "object" || value === null) return "";
  const texts = Object.values(value).filter((part) => typeof part === "string" && part.length > 3 && part.length <= 600);
  return texts.reduce((longest, text) => (text.length > longest.length ? text : longest), "");
}

function toolView(view, item) {
  const words = { running: "working…", ok: "done", error: "failed", not_completed: "not completed" };
  const open = view.element.querySelector("details")?.open ?? false;
  const block = (name, value) =>
    value === undefined || value === null ? null : h("div", {}, h("h6", {}, name), typeof value === "string" ? h("pre", { class: "code" }, value) : jsonView(value));
  const details = h(
    "details",
    { class: "fold tool", data: { testid: "tool-call", status: item.status } },
    h("summary", {}, icon("tool"), h("span", {}, title(item.name ?? "tool")), h("span", { class: "soft" }, words[item.status] ?? item.status)),
    block("Given", item.arguments),
    block("Result", item.result),
    block("Error", item.error),
  );
  details.open = open;
  view.element.replaceChildren(details);
}

function pendingView(one, client) {
  const word = h("span", { class: "soft small", role: "status" });
  const again = button({ text: "Try again", iconName: "retry", kind: "quiet", onclick: () => client.commands.retryPending(one.id) });
  const discard = button({ text: "Discard", kind: "quiet", onclick: () => client.commands.discardPending(one.id) });
  const bubble = h("div", { class: "bubble prose" });
  setText(bubble, one.text);
  const element = h("li", { class: "item message pending", data: { testid: "pending-message", role: "user" } }, bubble, h("div", { class: "extra row end" }, word, again, discard));
  return { element, word, again, discard };
}

function updatePending({ element, word, again, discard }, { status, error }) {
  element.dataset.status = status;
  setText(word, { pending: "Sending…", accepted: "Sent", failed: error }[status]);
  again.hidden = discard.hidden = status !== "failed";
}

// The same agent speaking on needs no second byline.
function markRepeats(list) {
  let before = null;
  for (const element of list.children) {
    const agent = element.dataset.testid === "message" && element.dataset.role !== "user" ? element.dataset.agent : null;
    element.toggleAttribute("data-again", agent !== null && agent === before);
    if (agent !== null || !element.classList.contains("tool")) before = agent;
  }
}

function initials(name) {
  const words = agentName(name || "?").split(" ");
  return (words.length > 1 ? words[0][0] + words[1][0] : words[0].slice(0, 2)).toUpperCase();
}
