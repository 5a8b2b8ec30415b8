// The page of workflows, with the chat widget that leads back to the conversation (B66, B67).
import { createApi } from "./api.js";
import { pageUrl, readConfig } from "./config.js";
import { newId } from "./connection.js";
import { count, stateOf, stateWord } from "./format.js";
import { normaliseSessions, resolveWorkflow } from "./session.js";
import { button, h, icon } from "./views/dom.js";
import { workflowCard } from "./views/workflow_cards.js";

const config = readConfig();
const api = createApi(config);
const cards = document.getElementById("cards");
const problem = document.getElementById("problem");
const context = {
  workflowSessions: [],
  generalSessions: [],
  currentChatId: null,
  mode: "workflow",
  appId: config.app_id,
  userId: config.user_id,
  refresh: refreshSessions,
};
window.ChatUIContext = context;

showWorkflows();
showWidget();

async function showWorkflows() {
  try {
    const { workflows } = await api.available();
    const none = h("p", { class: "soft" }, "No workflow is installed on this server.");
    cards.replaceChildren(...(workflows.length ? workflows.map((one) => workflowCard(one, start)) : [none]));
  } catch (error) {
    const again = button({ text: "Try again", kind: "quiet outlined", onclick: showWorkflows });
    cards.replaceChildren(h("p", { class: "problem" }, error.message), again);
  }
}

async function start(name) {
  problem.hidden = true;
  try {
    const { chat_id: id } = await api.start(name, { client_request_id: newId() });
    location.assign(pageUrl("/", { chat: id }));
    await new Promise(() => {}); // the button stays pressed while the page changes
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
}

async function refreshSessions() {
  const [workflows, generals] = await Promise.allSettled([api.sessions(), api.generalChats()]);
  context.workflowSessions = workflows.value ? normaliseSessions(workflows.value.sessions, context.workflowSessions) : [];
  context.generalSessions = generals.value?.sessions ?? [];
  return context.workflowSessions;
}

async function showWidget() {
  const root = document.getElementById("widget");
  const back = h("button", { type: "button", class: "widget-button", data: { testid: "chat-widget" } }, icon("chat"), h("span", {}, "Back to the chat"));
  const line = h("p", { class: "soft small" });
  const ask = h("a", { class: "button quiet outlined", href: pageUrl("/", { mode: "general" }), data: { testid: "widget-ask" } }, "Ask Mozaiks");
  root.append(h("div", { class: "widget-row" }, ask, back), line);
  back.addEventListener("click", async () => {
    const sessions = await refreshSessions(); // a chat may have ended or gone meanwhile (B69)
    const id = resolveWorkflow(context.currentChatId, sessions);
    location.assign(pageUrl("/chat", id ? { chat: id } : {}));
  });
  const [oldest] = await refreshSessions();
  const many = context.workflowSessions.length;
  line.textContent = oldest
    ? `${count(many, "workflow")} in progress. Next: ${oldest.title || oldest.workflow_name}, ${stateWord(stateOf(oldest)).toLowerCase()}.`
    : "No workflow is in progress.";
}
