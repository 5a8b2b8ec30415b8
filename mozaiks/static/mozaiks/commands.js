// What a person can ask for, as commands. The one rule: refusals are said in the server's own sentence.
import * as artifacts from "./artifacts.js";
import * as session from "./session.js";
import * as transcript from "./transcript.js";
import { createPending } from "./pending.js";

const PAGE = 200; // events of one page of older history

/** The actions of the views, over `client` (client.js). */
export function createCommands(client) {
  const { store, api, storage } = client;
  const chat = (id) => session.chatOf(store.state.session, id);
  const patchSession = (change) => store.set((now) => ({ session: { ...now.session, ...change } }));
  const cursorField = (id) => (client.cursorOf(id) ? { cursor: client.cursorOf(id) } : {});
  let relisting = false;
  let notices = 0;
  let switches = 0;
  let intent = null;
  const seenUpTo = {};
  const runs = {}; // chat_id -> the run an answer named, for a transcript that does not reach back to its start

  const commands = {
    ...createPending(client, { follow: (id) => commands.follow(id), ran: (id, runId) => (runs[id] = runId) }),

    say(text, tone = "plain") {
      notices += 1;
      store.set({ notice: text ? { text, tone, id: notices } : null });
    },

    /** What the address asked for (`?chat=…`, `?mode=general`), done once after the first hello. */
    intend(wish) {
      intent = wish;
    },

    async welcomed() {
      const wish = intent;
      intent = null;
      if (wish?.mode === "general") await commands.enterAsk();
      else if (wish?.mode === "workflow") await commands.leaveAsk();
      else if (wish?.chat) await commands.switchTo(wish.chat);
    },

    // ---- chats ------------------------------------------------------------------------------------------------

    async startWorkflow(workflowName, message) {
      const fields = { workflow_name: workflowName, ...(message ? { message } : {}) };
      const result = await switching("chat.start_workflow", fields);
      if (!result.ok) return result;
      becameActive(result.data.chat_id);
      commands.relist();
      commands.refreshSessions();
      return result;
    },

    async switchTo(id) {
      const before = store.state.session;
      const mode = before.mode;
      if (id) {
        patchSession({ mode: "workflow", activeChatId: id }); // painted at once; the server has the last word
        firstPaint(id);
        opening(id);
      }
      const turn = (switches += 1);
      const result = await switching("chat.switch_workflow", id ? { chat_id: id, ...cursorField(id) } : {});
      if (turn !== switches) return result; // a newer switch has the word
      if (!result.ok) {
        patchSession({ mode: before.mode, activeChatId: before.activeChatId === id ? null : before.activeChatId });
        if (result.error.code === "NOT_FOUND") commands.dropChat(id);
        return result;
      }
      becameActive(result.data.to_chat_id ?? null);
      if (mode === "general") commands.refreshSessions();
      return result;
    },

    async follow(id) {
      opening(id);
      const result = await client.connection.send("chat.open", { chat_id: id, ...cursorField(id) });
      if (result.ok) follow(id);
      else if (result.error.code === "NOT_FOUND") commands.dropChat(id);
      else refuse(result);
    },

    async closeTab(id) {
      const { tabs, activeChatId } = store.state.session;
      const at = tabs.findIndex((tab) => tab.chat_id === id);
      const result = await ask("tab.close", { chat_id: id });
      if (!result.ok) return;
      const left = tabs.filter((tab) => tab.chat_id !== id);
      patchSession({ tabs: left, unlisted: [...store.state.session.unlisted, id] });
      if (activeChatId === id && store.state.session.mode === "workflow") {
        const next = left[Math.min(at, left.length - 1)];
        if (next) await commands.switchTo(next.chat_id);
        else patchSession({ activeChatId: null });
      }
    },

    async reorderTabs(ids) {
      const { tabs } = store.state.session;
      patchSession({ tabs: ids.map((id) => tabs.find((tab) => tab.chat_id === id)).filter(Boolean) });
      const result = await ask("tab.reorder", { chat_ids: ids });
      if (!result.ok) commands.relist();
    },

    pause: (id) => ask("chat.pause", { chat_id: id }),
    resume: (id) => ask("chat.resume", { chat_id: id }),
    retry: (id) => ask("chat.retry", { chat_id: id }),
    complete: (id) => ask("chat.complete", { chat_id: id }),

    async stop(id) {
      const runId = await runOf(id);
      if (!runId) return commands.say("There is nothing to stop.");
      return ask("chat.stop", { chat_id: id, run_id: runId });
    },

    async rename(id, title) {
      const result = await ask("chat.rename", { chat_id: id, title });
      if (result.ok) relabel(id, title);
    },

    async remove(id) {
      const result = await ask("chat.delete", { chat_id: id });
      if (result.ok || result.error.code === "NOT_FOUND") commands.dropChat(id);
    },

    /** A chat that is gone: nothing points at it any more (B69). */
    dropChat(id) {
      client.followed.delete(id);
      artifacts.forget(storage, id);
      store.set((now) => ({
        session: session.without(now.session, id),
        transcripts: omit(now.transcripts, id),
        metas: omit(now.metas, id),
        shown: omit(now.shown, id),
        pending: now.pending.filter((message) => message.chatId !== id),
        workflowSessions: now.workflowSessions.filter((one) => one.chat_id !== id),
        generalSessions: now.generalSessions.filter((one) => one.chat_id !== id),
      }));
    },

    /** A workflow that came to its end is no place to lead back to (B69). */
    ended(id) {
      store.set((now) => ({ workflowSessions: now.workflowSessions.filter((one) => one.chat_id !== id) }));
    },

    markSeen(id, seq) {
      if (!seq || seq <= (seenUpTo[id] ?? 0)) return;
      seenUpTo[id] = seq;
      client.connection.send("chat.seen", { chat_id: id, seq });
      const quiet = (list) => list.map((tab) => (tab.chat_id === id ? { ...tab, unread: 0 } : tab));
      const { tabs, generals } = store.state.session;
      patchSession({ tabs: quiet(tabs), generals: quiet(generals) });
    },

    async loadOlder(id) {
      const held = store.state.transcripts[id];
      if (!held || held.from <= 1 || store.state.loadingOlder[id]) return;
      const loading = (on) => store.set((now) => ({ loadingOlder: { ...now.loadingOlder, [id]: on } }));
      loading(true);
      try {
        const after = Math.max(0, held.from - 1 - PAGE);
        const { events } = await api.transcript(chat(id)?.kind ?? "workflow", id, after, PAGE);
        const now = store.state.transcripts[id];
        if (now?.epoch !== held.epoch) return;
        const older = events.map((entry) => transcript.fromPage(entry, held.epoch)).filter(({ seq }) => seq < held.from);
        client.setTranscript(id, transcript.prepend(now, older, after + 1));
      } catch (error) {
        commands.say(error.message, "failed");
      } finally {
        loading(false);
      }
    },

    // ---- answers ----------------------------------------------------------------------------------------------

    answer: (requestId, response) =>
      ask("ui_tool_response", { input_request_id: requestId, response }, { kept: true }),
    editQueued: (chatId, queuedId, text) => ask("chat.queue.update", { chat_id: chatId, queued_id: queuedId, text }),
    removeQueued: (chatId, queuedId) => ask("chat.queue.remove", { chat_id: chatId, queued_id: queuedId }),

    // ---- Ask --------------------------------------------------------------------------------------------------

    async enterAsk(generalChatId) {
      const fields = generalChatId ? { general_chat_id: generalChatId } : {};
      if (generalChatId) {
        patchSession({ mode: "general", generalChatId });
        opening(generalChatId);
      }
      return entered(await switching("chat.enter_general_mode", fields));
    },

    async newGeneralChat() {
      return entered(await switching("chat.start_general_chat", {}));
    },

    /** Back to the workflows: the current chat, else the oldest active one (B65). */
    async leaveAsk() {
      const { activeChatId } = store.state.session;
      const current = activeChatId && chat(activeChatId) ? activeChatId : null;
      if (!current) await commands.refreshSessions();
      const result = await commands.switchTo(session.resolveWorkflow(current, store.state.workflowSessions));
      if (!result.ok && result.error.code === "NOT_FOUND") {
        await commands.refreshSessions();
        return commands.switchTo(session.resolveWorkflow(null, store.state.workflowSessions));
      }
      return result;
    },

    // ---- lists ------------------------------------------------------------------------------------------------

    /** Workflow and general sessions by REST, on load and on every mode change (B61, B62, B68). */
    async refreshSessions() {
      const [workflows, generals] = await Promise.allSettled([api.sessions(), api.generalChats()]);
      store.set((now) => ({
        workflowSessions: workflows.value
          ? session.normaliseSessions(workflows.value.sessions, now.workflowSessions)
          : now.workflowSessions,
        generalSessions: generals.value?.sessions ?? now.generalSessions,
      }));
    },

    async refreshAvailable() {
      try {
        store.set({ available: (await api.available()).workflows });
      } catch (error) {
        store.set((now) => ({ available: now.available ?? [] }));
        commands.say(error.message, "failed");
      }
    },

    /** The chat's meta by REST, as the page connects (B40). */
    async refreshMeta(id) {
      const workflow = chat(id)?.workflow_name;
      if (!id || !workflow) return;
      firstPaint(id);
      try {
        client.onMeta(id, await api.meta(workflow, id));
      } catch {
        // the same comes as chat_meta over the socket
      }
    },

    async relist() {
      if (relisting) return;
      relisting = true;
      patchSession({ behind: false });
      const result = await client.connection.send("session.list");
      relisting = false;
      if (result.ok) store.set((now) => ({ session: session.fromState(now.session, result.data) }));
    },

    modeIsNew() {
      const id = session.viewed(store.state.session);
      if (id && !client.followed.has(id)) commands.follow(id);
      if (id) firstPaint(id);
      commands.refreshSessions();
    },

    // ---- artifacts --------------------------------------------------------------------------------------------

    showArtifact(chatId, artifactId) {
      store.set((now) => ({ shown: { ...now.shown, [chatId]: artifactId }, panel: { ...now.panel, [chatId]: true } }));
      const held = store.state.artifacts[artifactId];
      if (!held || held.state === undefined || held.stale) client.loadArtifact(artifactId);
    },
    togglePanel: (chatId, open) => store.set((now) => ({ panel: { ...now.panel, [chatId]: open } })),
    ensureArtifact(key) {
      const held = store.state.artifacts[key];
      if (held && !held.loading && !held.error && (held.state === undefined || held.stale)) client.loadArtifact(key);
    },
    /** One version's state: from the log where it is held, else from the server. */
    async artifactVersion(artifactId, version, chatId) {
      const held = transcript.versionOf(store.state.transcripts[chatId], artifactId, version);
      return held ?? (await api.artifactVersion(artifactId, version)).state;
    },
  };

  async function ask(type, fields, options) {
    const result = await client.connection.send(type, fields, options);
    if (!result.ok) refuse(result);
    return result;
  }

  // While one of these is under way the signals of other windows do not move this one.
  async function switching(type, fields) {
    client.switching += 1;
    try {
      return await ask(type, fields);
    } finally {
      client.switching -= 1;
    }
  }

  function refuse(result) {
    commands.say(result.error?.message ?? "The server refused this.", "failed");
  }

  async function entered(result) {
    if (result.ok) {
      const { general_chat_id: id } = result.data;
      patchSession({ mode: "general", generalChatId: id });
      opening(id);
      follow(id);
    } else {
      commands.relist();
    }
    commands.refreshSessions();
    return result;
  }

  function becameActive(id) {
    patchSession({ mode: "workflow", activeChatId: id });
    if (id) {
      follow(id);
      opening(id);
      firstPaint(id);
    }
  }

  // The server follows at most so many chats for a socket: the one looked at longest ago goes.
  function follow(id) {
    client.followed.delete(id);
    client.followed.add(id);
    const [oldest] = client.followed;
    if (client.followed.size <= client.followLimit || oldest === id) return;
    client.followed.delete(oldest);
    client.connection.send("chat.close", { chat_id: oldest });
  }

  function opening(id) {
    if (!store.state.transcripts[id]) store.set((now) => ({ opening: { ...now.opening, [id]: now.opening[id] ?? true } }));
  }

  function firstPaint(id) {
    if (store.state.shown[id] || store.state.metas[id]) return;
    const { source, ...found } = artifacts.firstPaint(artifacts.recall(storage, id));
    if (source === "none") return;
    const key = found.artifactId ?? `chat:${id}`;
    store.set((now) => ({
      artifacts: now.artifacts[key] ? now.artifacts : { ...now.artifacts, [key]: { ...found, firstPaint: true } },
      shown: { ...now.shown, [id]: key },
    }));
  }

  async function runOf(id) {
    for (let pages = 0; pages < 10; pages += 1) {
      const held = store.state.transcripts[id];
      if (held?.run) return held.run.id;
      if (runs[id] || !held || held.from <= 1) return runs[id] ?? null;
      await commands.loadOlder(id);
    }
    return null;
  }

  function relabel(id, label) {
    const named = (list) => list.map((one) => (one.chat_id === id ? { ...one, label } : one));
    store.set((now) => ({
      session: { ...now.session, tabs: named(now.session.tabs), generals: named(now.session.generals) },
      generalSessions: named(now.generalSessions),
    }));
  }

  return commands;
}

function omit(record, key) {
  const { [key]: _, ...rest } = record;
  return rest;
}
