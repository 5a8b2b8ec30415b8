// One state, told to whoever listens, at most once a frame. The one rule: state is replaced, never changed.

/** `{state, set(change), listen(fn)}`; `change` is a patch or a function of the state that returns one. */
export function createStore(initial, schedule = (tell) => tell()) {
  const listeners = new Set();
  let due = false;
  const store = {
    state: initial,
    set(change) {
      const patch = typeof change === "function" ? change(store.state) : change;
      if (!patch) return;
      store.state = { ...store.state, ...patch };
      if (due) return;
      due = true;
      schedule(() => {
        due = false;
        for (const listener of listeners) listener(store.state);
      });
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return store;
}

/** Tells before the next paint; a hidden page has none, so there a timer does. */
export function beforePaint(tell) {
  if (document.hidden) setTimeout(tell, 150);
  else requestAnimationFrame(tell);
}
