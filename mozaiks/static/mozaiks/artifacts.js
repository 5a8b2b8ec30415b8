// Which artifact a chat shows, and from where. Pure but for the storage it is handed; the one rule: what the
// browser kept is for the first paint only, the server's word wins (B25-B28, B40-B42).

const KEY = "mozaiks.last_artifact.";

/** Keeps or forgets a chat's `last_artifact` as its meta tells it (B25-B27). */
export function remember(storage, chatId, meta, now = Date.now()) {
  const last = meta.exists === false ? null : meta.last_artifact;
  try {
    if (!last?.ui_tool_id) {
      if (!meta.artifact_instance_id) storage.removeItem(KEY + chatId);
      return null;
    }
    const kept = {
      ui_tool_id: last.ui_tool_id,
      eventId: last.event_id || null,
      workflow_name: last.workflow_name || meta.workflow_name || null,
      payload: last.payload || {},
      display: last.display || "artifact",
      ts: now,
    };
    storage.setItem(KEY + chatId, JSON.stringify(kept));
    return kept;
  } catch {
    return null; // storage is full or forbidden: the first paint waits for the server
  }
}

/** What the browser kept for a chat, or null. */
export function recall(storage, chatId) {
  try {
    const kept = JSON.parse(storage.getItem(KEY + chatId) ?? "null");
    return kept?.ui_tool_id ? kept : null;
  } catch {
    return null;
  }
}

/** Forgets a deleted chat's artifact. */
export function forget(storage, chatId) {
  try {
    storage.removeItem(KEY + chatId);
  } catch {
    // nothing kept, nothing to forget
  }
}

/** Forgets every chat's, as the user signs out: the next one at this browser is somebody else. */
export function forgetAll(storage) {
  try {
    for (const key of Object.keys(storage)) if (key.startsWith(KEY)) storage.removeItem(key);
  } catch {
    // nothing kept, nothing to forget
  }
}

/**
 * What to show for a chat, from its meta: `{source, artifactId, version, type, state}`.
 * `source` is `state` (inlined), `fetch` (too large: ask the artifact endpoint), `payload` (a UI tool's only), `none`.
 */
export function restore(meta) {
  if (!meta || meta.exists === false) return { source: "none" };
  const last = meta.last_artifact;
  if (meta.artifact_instance_id) {
    // The two styles of persistence may speak of different artifacts; then the endpoint says what this one is.
    const same = last?.ui_tool_id && (!last.artifact_id || last.artifact_id === meta.artifact_instance_id);
    const type = meta.artifact_type ?? (same ? last.ui_tool_id : null);
    const found = { artifactId: meta.artifact_instance_id, version: meta.artifact_version ?? null, type };
    const inlined = meta.artifact_state !== null && meta.artifact_state !== undefined;
    return inlined ? { source: "state", ...found, state: meta.artifact_state } : { source: "fetch", ...found };
  }
  if (!last?.ui_tool_id) return { source: "none" };
  return { source: "payload", artifactId: null, version: null, type: last.ui_tool_id, state: last.payload ?? {} };
}

/** The first paint, from what the browser kept. */
export function firstPaint(kept) {
  if (!kept) return { source: "none" };
  return { source: "payload", artifactId: null, version: null, type: kept.ui_tool_id, state: kept.payload };
}

/** The held artifact after news of it; an older version than the held one changes nothing. */
export function merge(held, news) {
  if (!held) return news;
  if (held.version !== null && news.version !== null && news.version < held.version) return held;
  const known = Object.fromEntries(Object.entries(news).filter(([, value]) => value !== null && value !== undefined));
  const stale = news.version !== null && news.version !== held.version && news.state === undefined;
  return { ...held, ...known, stale: stale || (held.stale === true && news.state === undefined) };
}
