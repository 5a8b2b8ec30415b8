// A question, an approval or a form, as a card in the transcript; answered ones are read-only.
//
// The one rule: what was typed stays, through other events, another tab and a reload, until it is answered.
import { button, h, setText } from "./dom.js";
import { formFields } from "./form_fields.js";
import { jsonView } from "./json_view.js";
import { render } from "../markdown.js";
import { title, when } from "../format.js";
import { fieldsOf } from "../schema_form.js";

const HEADINGS = { question: "Question", approval: "Needs your approval", form: "A few details" };
const ENDS = { answered: "Answered", expired: "Expired", cancelled: "Cancelled" };

/** The card of one `input` item; `drafts` keeps what is typed. */
export function inputCard(item, { client, drafts }) {
  const prompt = h("div", { class: "prompt prose" });
  prompt.innerHTML = render(item.prompt ?? "");
  const card = h(
    "section",
    { class: "input-card card", "aria-label": HEADINGS[item.ask] ?? "Request", data: { testid: "input-card", kind: item.ask, status: item.status, requestId: item.id } },
    h("header", { class: "row" }, h("strong", {}, HEADINGS[item.ask] ?? "Request"), h("span", { class: "pill" }, item.status === "open" ? "Needs you" : ENDS[item.status] ?? item.status)),
    prompt,
  );
  if (item.status !== "open") {
    card.append(answered(item));
    drafts.forget(`form.${item.id}`);
    return card;
  }
  if (item.expiresAt) card.append(h("p", { class: "soft small" }, `Open until ${when(item.expiresAt)}.`));
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const send = async (response, controls) => {
    problem.hidden = true;
    controls.forEach((control) => (control.disabled = true));
    card.setAttribute("aria-busy", "true");
    const result = await client.commands.answer(item.id, response);
    card.removeAttribute("aria-busy");
    if (result.ok) return;
    controls.forEach((control) => (control.disabled = false));
    setText(problem, result.error.message);
    problem.hidden = false;
  };
  card.append(BODIES[item.ask]?.(item, send, drafts) ?? BODIES.form(item, send, drafts), problem);
  return card;
}

const BODIES = {
  question(item, send, drafts) {
    const options = (item.options ?? []).map((option) => (typeof option === "object" ? option : { label: String(option), value: option }));
    const field = h("textarea", { class: "field", rows: 2, maxlength: 50_000, value: drafts.get(`form.${item.id}`) ?? "", "aria-label": "Your answer", placeholder: "Your answer", data: { testid: "input-text" } });
    field.addEventListener("input", () => drafts.set(`form.${item.id}`, field.value));
    const submit = button({ text: "Answer", kind: "primary", type: "submit", testid: "input-submit" });
    const choices = options.map(({ label, value }) =>
      button({ text: label ?? String(value), kind: "quiet outlined", testid: "input-option", onclick: () => send({ text: String(value ?? label) }, controls) }),
    );
    const controls = [field, submit, ...choices];
    const form = h("form", { class: "stack" }, choices.length ? h("div", { class: "row wrap" }, choices) : null, field, h("div", { class: "row end" }, submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim()) send({ text: field.value.trim() }, controls);
      else field.focus();
    });
    return form;
  },

  approval(item, send, drafts) {
    const comment = h("textarea", { class: "field", rows: 2, maxlength: 10_000, value: drafts.get(`form.${item.id}`) ?? "", placeholder: "A comment, if you like: what should change?", "aria-label": "Comment", data: { testid: "approval-comment" } });
    comment.addEventListener("input", () => drafts.set(`form.${item.id}`, comment.value));
    const answer = (approved) => {
      const said = comment.value.trim();
      send({ approved, ...(said ? { comment: said } : {}) }, controls);
    };
    const approve = button({ text: "Approve", iconName: "check", kind: "primary", testid: "approve", onclick: () => answer(true) });
    const reject = button({ text: "Reject", kind: "quiet outlined", testid: "reject", onclick: () => answer(false) });
    const controls = [comment, approve, reject];
    return h("div", { class: "stack" }, comment, h("div", { class: "row end" }, reject, approve));
  },

  form(item, send, drafts) {
    const fields = formFields(item.schema ?? {}, drafts.get(`form.${item.id}`), item.id);
    const submit = button({ text: "Send", kind: "primary", type: "submit", testid: "input-submit" });
    const form = h("form", { class: "stack", novalidate: true }, fields.element, h("div", { class: "row end" }, submit));
    form.addEventListener("input", () => drafts.set(`form.${item.id}`, fields.typed()));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = fields.read();
      if (value !== null) send(value, [submit, ...form.querySelectorAll("input, textarea, select")]);
    });
    return form;
  },
};

function answered(item) {
  const { status, response } = item;
  if (status === "expired") return h("p", { class: "soft" }, "Nobody answered in time.");
  if (status === "cancelled") return h("p", { class: "soft" }, "This is no longer asked.");
  if (item.ask === "approval") {
    return h("div", { class: "answer" }, h("strong", {}, response?.approved ? "Approved" : "Rejected"), response?.comment ? h("p", {}, response.comment) : null);
  }
  if (item.ask === "question") return h("p", { class: "answer" }, response?.text ?? "");
  const labels = new Map(fieldsOf(item.schema ?? {}).map(({ name, label }) => [name, label]));
  const given = Object.entries(response ?? {}).filter(([, value]) => value !== null && value !== "" && value?.length !== 0);
  if (!given.length) return h("p", { class: "answer soft" }, "Nothing was filled in.");
  return h("dl", { class: "answer facts" }, given.map(([name, value]) => h("div", {}, h("dt", {}, labels.get(name) ?? title(name)), h("dd", {}, jsonView(value, { key: name })))));
}
