// `window.ChatUIContext`: what other parts of a page may read of the sessions (B64). It is a view, not a store.

/** Publishes the context and keeps it current. */
export function publishContext(client, config, target = window) {
  const { store } = client;
  target.ChatUIContext = Object.freeze({
    get workflowSessions() {
      return store.state.workflowSessions;
    },
    get generalSessions() {
      return store.state.generalSessions;
    },
    get currentChatId() {
      return store.state.session.activeChatId;
    },
    get mode() {
      return store.state.session.mode;
    },
    appId: config.app_id,
    userId: config.user_id,
    refresh: () => client.commands.refreshSessions(),
    switchTo: (chatId) => client.commands.switchTo(chatId),
    subscribe: (listener) => store.listen(() => listener(target.ChatUIContext)),
  });
}
