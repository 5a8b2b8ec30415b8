// What a person sent and no log holds yet. The one rule: it is shown until the log, the queue or a refusal has it.
import { newId } from "./connection.js";

/** The part of the commands (commands.js) that sends messages; `ran` hears which run an answer named. */
export function createPending(client, { follow, ran }) {
  const { store } = client;

  const pending = {
    submit(chatId, text, fields = {}) {
      const id = newId();
      const answer = client.connection.send("user.input.submit", { chat_id: chatId, text, ...fields }, { kept: true, id });
      return pending.restorePending({ type: "user.input.submit", id, chat_id: chatId, text, ...fields }, answer);
    },

    /** Shows an unanswered message until the log, the queue or a refusal has it. */
    async restorePending(frame, answer) {
      if (frame.type !== "user.input.submit") return answer;
      const { id, chat_id: chatId, text } = frame;
      setPending(id, { id, chatId, text, status: "pending" });
      const result = await answer;
      if (!result.ok) return setPending(id, { status: "failed", error: result.error.message, code: result.error.code });
      const { seq = null, status } = result.data;
      if (result.data.run_id) ran(chatId, result.data.run_id);
      if (status === "queued" || (seq !== null && seq <= (store.state.transcripts[chatId]?.seq ?? 0))) return setPending(id, null);
      setPending(id, { status: "accepted", seq });
      if (!client.followed.has(chatId)) follow(chatId);
      return result;
    },

    retryPending(id) {
      const message = store.state.pending.find((one) => one.id === id);
      setPending(id, null);
      if (message) pending.submit(message.chatId, message.text);
    },

    discardPending: (id) => setPending(id, null),

    /** The log holds everything up to `seq`: echoes of it go. */
    settle(chatId, seq) {
      store.set((now) => ({
        pending: now.pending.filter((one) => one.chatId !== chatId || one.status !== "accepted" || (one.seq ?? 0) > seq),
      }));
    },

    /** The log may be quicker than the answer: the message is not shown twice meanwhile. */
    recognise(chatId, text) {
      const sent = store.state.pending.find((one) => one.chatId === chatId && one.status === "pending" && one.text === text);
      if (sent) setPending(sent.id, null);
    },

    settleQueued(chatId, queue) {
      const texts = new Set(queue.map(({ text }) => text));
      store.set((now) => ({
        pending: now.pending.filter((one) => one.chatId !== chatId || one.status !== "accepted" || !texts.has(one.text)),
      }));
    },
  };

  function setPending(id, change) {
    store.set((now) => {
      if (change === null) return { pending: now.pending.filter((one) => one.id !== id) };
      const held = now.pending.find((one) => one.id === id);
      if (!held) return change.chatId ? { pending: [...now.pending, change] } : null;
      return { pending: now.pending.map((one) => (one === held ? { ...one, ...change } : one)) };
    });
  }

  return pending;
}
