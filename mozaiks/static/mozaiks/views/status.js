// The state of the connection and of the model, in words.
import { button, h, setAttributes, setText } from "./dom.js";

const WORDS = { connecting: "Connecting…", open: "Connected", reconnecting: "Reconnecting…", waiting: "Offline. Reconnecting…", closed: "Disconnected" };

/** `update(state)` shows both; a lost connection also gets a bar with a way out. */
export function statusView({ root, bar, foot }, client) {
  const dot = h("i", { class: "dot", "aria-hidden": "true" });
  const word = h("span", {});
  const connection = h("span", { class: "status", role: "status", data: { testid: "connection-state" } }, dot, word);
  const model = h("span", { class: "pill model", data: { testid: "model-badge" }, hidden: true });
  root.append(connection);
  foot.append(model, h("span", { class: "hint soft small" }, "Enter sends, Shift+Enter makes a new line."));

  const told = h("span", {});
  const again = button({ text: "Try again now", kind: "quiet", onclick: () => client.connection.retryNow() });
  const signIn = h("a", { class: "button quiet", href: "/login" }, "Sign in");
  bar.append(told, again, signIn);
  let shown = {};
  let late = null;
  let current = null;

  return {
    update({ connection: state, session }) {
      if (shown.state !== state) {
        setAttributes(connection, { "data-phase": state.phase, title: state.words ?? WORDS[state.phase] });
        setText(word, WORDS[state.phase] ?? state.phase);
        const lost = () => {
          setText(told, current.words ?? "The connection is lost. What you send now is kept and sent as soon as it is back.");
          setAttributes(bar, { hidden: false });
          setAttributes(signIn, { hidden: current.code !== 4401 });
          setAttributes(again, { hidden: current.code === 4401 });
        };
        current = state;
        if (state.phase === "open") {
          clearTimeout(late);
          late = null;
          setAttributes(bar, { hidden: true });
        } else if (state.phase === "closed" || !bar.hidden) lost();
        else late ??= setTimeout(lost, 2_500); // a short break needs no alarm
      }
      if (shown.model !== session.model) {
        const offline = session.model?.kind === "offline";
        setAttributes(model, { hidden: !session.model, "data-kind": session.model?.kind });
        setText(model, offline ? "Offline model: rule-based" : `Model: ${session.model?.name ?? ""}`);
      }
      shown = { state, model: session.model };
    },
  };
}
