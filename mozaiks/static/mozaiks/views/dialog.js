// Dialogs and menus. The one rule: Escape always leaves, and the focus returns to where it was.
import { button, h } from "./dom.js";

/** Asks before something that cannot be undone; resolves with true or false. */
export function confirmDialog({ heading, text, action, kind = "danger" }) {
  return open(heading, [h("p", {}, text)], action, kind).then(Boolean);
}

/** Asks for one line; resolves with the text, or null. */
export function promptDialog({ heading, label, value = "", action = "Save", long = false, maxlength = 200 }) {
  const field = h(long ? "textarea" : "input", { class: "field", value, maxlength, required: true, rows: long ? 5 : null, data: { testid: "dialog-input" } });
  const body = h("label", { class: "stack" }, h("span", { class: "label" }, label), field);
  return open(heading, [body], action, "primary", field).then((ok) => (ok && field.value.trim() ? field.value.trim() : null));
}

function open(heading, body, action, kind, field = null) {
  return new Promise((resolve) => {
    const cancel = button({ text: "Cancel", kind: "quiet", onclick: () => dialog.close("") });
    const confirm = button({ text: action, kind, type: "submit", testid: "dialog-confirm" });
    const form = h("form", { method: "dialog", class: "stack" }, h("h2", {}, heading), ...body, h("div", { class: "row end" }, cancel, confirm));
    const dialog = h("dialog", { class: "dialog", "aria-label": heading }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close("yes");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    (field ?? cancel).focus();
    field?.select();
  });
}

/** A button that opens a panel under it; `fill(panel, close)` fills it each time it opens. */
export function popover(trigger, { label, fill, onclose = () => {}, align = "start", className = "" }) {
  const panel = h("div", { class: `popover ${align} ${className}`, role: "dialog", "aria-label": label, hidden: true });
  const wrapper = h("div", { class: "anchor" }, trigger, panel);
  const outside = (event) => wrapper.contains(event.target) || close(false);
  const escape = (event) => event.key === "Escape" && close(true);
  function close(refocus = true) {
    if (panel.hidden) return;
    panel.hidden = true;
    panel.replaceChildren();
    onclose();
    trigger.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside);
    document.removeEventListener("keydown", escape);
    if (refocus) trigger.focus();
  }
  function open() {
    panel.replaceChildren();
    fill(panel, close);
    panel.hidden = false;
    trigger.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape);
    panel.querySelector("button:not([disabled]), a, input")?.focus();
  }
  trigger.setAttribute("aria-haspopup", "dialog");
  trigger.setAttribute("aria-expanded", "false");
  trigger.addEventListener("click", () => (panel.hidden ? open() : close()));
  return { element: wrapper, panel, open, close };
}
