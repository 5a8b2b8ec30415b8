// What a person typed and did not send, kept in the browser. The one rule: losing it is never an error.

/** `{get, set, forget}` under `mozaiks.draft.<user>.<name>`; what is empty is not kept. */
export function createDrafts(storage, user) {
  const key = (name) => `mozaiks.draft.${user}.${name}`;
  const safely = (act) => {
    try {
      return act();
    } catch {
      return null; // storage is full or forbidden
    }
  };
  return {
    get: (name) => safely(() => JSON.parse(storage.getItem(key(name)) ?? "null")),
    set: (name, value) =>
      safely(() => (value === "" || value === null ? storage.removeItem(key(name)) : storage.setItem(key(name), JSON.stringify(value)))),
    forget: (name) => safely(() => storage.removeItem(key(name))),
  };
}

/** Unanswered commands, kept for a reload of this window. */
export function createOutbox(storage, user) {
  const key = `mozaiks.outbox.${user}`;
  return {
    load() {
      try {
        return JSON.parse(storage.getItem(key) ?? "[]");
      } catch {
        return [];
      }
    },
    save(frames) {
      try {
        if (frames.length) storage.setItem(key, JSON.stringify(frames));
        else storage.removeItem(key);
      } catch {
        // without storage a reload asks the person again
      }
    },
  };
}
