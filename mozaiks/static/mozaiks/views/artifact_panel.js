// The artifact beside the conversation; on a phone a sheet over it.
import { button, h, setAttributes, setText } from "./dom.js";
import { jsonView } from "./json_view.js";
import { unwrap, isRecord } from "../json_shape.js";

/** `update({chatId, artifact, others, open})`. */
export function artifactPanelView(root, { client }) {
  let chatId = null;
  let artifact = null;
  let shown = {};
  let raw = false;
  let older = null; // {artifactId, version, state} while an older version is read

  const type = h("h2", { data: { testid: "artifact-type" } });
  const version = h("select", { class: "field small", "aria-label": "Version", data: { testid: "artifact-version" } });
  const only = h("span", { class: "pill" });
  const which = h("select", { class: "field small", "aria-label": "Artifact" });
  const rawToggle = button({ iconName: "code", label: "Show as JSON", kind: "quiet", testid: "artifact-raw", "aria-pressed": "false" });
  const copy = button({ iconName: "copy", label: "Copy as JSON", kind: "quiet", testid: "artifact-copy" });
  const download = button({ iconName: "download", label: "Download as JSON", kind: "quiet", testid: "artifact-download" });
  const close = button({ iconName: "close", label: "Close the artifact", kind: "quiet", testid: "artifact-close", onclick: () => client.commands.togglePanel(chatId, false) });
  const newest = button({ text: "Show the newest", kind: "quiet outlined", testid: "artifact-newest" });
  const oldBar = h("div", { class: "needs", hidden: true }, h("span", {}), newest);
  const body = h("div", { class: "artifact-body", tabindex: "0", role: "region", "aria-label": "Artifact" });
  root.append(
    h("header", { class: "artifact-head" }, h("div", { class: "grow" }, type), h("div", { class: "row tools" }, which, version, only, rawToggle, copy, download), close),
    oldBar,
    body,
  );

  rawToggle.addEventListener("click", () => {
    raw = !raw;
    setAttributes(rawToggle, { "aria-pressed": String(raw) });
    paint();
  });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(JSON.stringify(current().state, null, 2));
      client.commands.say("Copied.");
    } catch {
      client.commands.say("The browser does not allow copying here. Use the download instead.", "failed");
    }
  });
  download.addEventListener("click", () => {
    const { state } = current();
    const address = URL.createObjectURL(new Blob([JSON.stringify(state, null, 2)], { type: "application/json" }));
    const link = h("a", { href: address, download: `${artifact.type ?? "artifact"}-v${current().version ?? 1}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1_000);
  });
  which.addEventListener("change", () => client.commands.showArtifact(chatId, which.value));
  version.addEventListener("change", async () => {
    const wanted = Number(version.value);
    const id = artifact.artifactId;
    if (wanted === artifact.version) older = null;
    else {
      try {
        older = { artifactId: id, version: wanted, state: await client.commands.artifactVersion(id, wanted, chatId) };
      } catch (error) {
        client.commands.say(error.message, "failed");
      }
    }
    paint();
  });
  newest.addEventListener("click", () => {
    older = null;
    paint();
  });

  const current = () => (older && older.artifactId === artifact.artifactId ? older : artifact);

  function paint() {
    const now = current();
    oldBar.hidden = now === artifact;
    if (now !== artifact) setText(oldBar.firstChild, `You see version ${now.version} of ${artifact.version}.`);
    version.value = String(now.version);
    const top = body.scrollTop;
    body.replaceChildren(...content(now));
    body.scrollTop = top;
  }

  function content(now) {
    if (now.state === undefined) {
      const words = artifact.error ?? "Loading the artifact…";
      const again = artifact.error ? button({ text: "Try again", kind: "quiet outlined", onclick: () => client.loadArtifact(artifact.artifactId) }) : null;
      return [h("div", { class: "empty" }, h("p", { class: "soft" }, words), again ?? "")];
    }
    const json = h("pre", { class: "code", hidden: !raw, data: { testid: "artifact-json" } }, JSON.stringify(now.state, null, 2));
    if (raw) return [json];
    const state = unwrap(now.state);
    const name = isRecord(state) && typeof state.title === "string" ? state.title : null;
    const rest = name ? Object.fromEntries(Object.entries(state).filter(([key]) => key !== "title")) : state;
    return [h("article", { class: "json-view" }, name ? h("p", { class: "artifact-title" }, name) : null, jsonView(rest, { level: 3 })), json];
  }

  return {
    update({ chatId: id, artifact: next, others, open }) {
      root.hidden = !open || !next;
      chatId = id;
      artifact = next;
      if (root.hidden) return;
      if (next.artifactId) client.commands.ensureArtifact(next.artifactId);
      if (older && older.artifactId !== next.artifactId) older = null;
      if (shown.artifact === next && shown.others === others) return;
      setText(type, next.type ?? "Artifact");
      setAttributes(type, { "data-type": next.type });
      setAttributes(root, { "data-artifact-id": next.artifactId, "data-version": next.version, "aria-label": `Artifact ${next.type ?? ""}` });
      which.hidden = others.length < 2;
      which.replaceChildren(...others.map((one) => h("option", { value: one.artifactId }, one.type)));
      which.value = next.artifactId;
      const versions = Number.isInteger(next.version) ? Array.from({ length: Math.min(next.version, 200) }, (_, at) => next.version - at) : [];
      version.hidden = versions.length < 2;
      only.hidden = versions.length !== 1;
      setText(only, `Version ${next.version}`);
      version.replaceChildren(...versions.map((one) => h("option", { value: one }, `Version ${one}`)));
      const another = shown.artifact?.artifactId !== next.artifactId;
      shown = { artifact: next, others };
      paint();
      if (another) body.scrollTop = 0;
    },
  };
}
