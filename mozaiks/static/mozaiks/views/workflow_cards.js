// The workflows that can be started, as cards: in the menu, in the empty page, and on /workflows.
import { button, h } from "./dom.js";

/** One card; `start(name)` is called once for a press. */
export function workflowCard(workflow, start) {
  const { workflow_name: name, description, available, reason, required } = workflow;
  const go = button({
    text: "Start",
    kind: available ? "primary" : "quiet",
    testid: `start-${name}`,
    disabled: !available,
    "aria-label": `Start ${name}`,
  });
  go.addEventListener("click", async () => {
    go.disabled = true;
    await start(name);
    go.disabled = !available;
  });
  const needs = [required].flat().filter((one) => typeof one === "string" && one);
  const why = reason || (needs.length ? `Needs ${needs.join(", ")}.` : "This workflow cannot be started now.");
  const card = h(
    "article",
    { class: `card workflow${available ? "" : " off"}`, data: { testid: `workflow-card-${name}`, available: String(available) } },
    h("div", { class: "mosaic", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i")),
    h("div", { class: "grow" }, h("h3", {}, name), h("p", { class: "soft" }, description || "A workflow of agents."),
      available ? null : h("p", { class: "reason", data: { testid: "reason" } }, why)),
    go,
  );
  card.addEventListener("click", (event) => event.target.closest("button") ?? go.click()); // the whole card starts it
  return card;
}
