"""What one socket follows and how it is told: live is replay (law 2).

One pump sends, for each followed chat, what is in the log after the last ``seq`` it sent. A first open, a reconnect and
a live tail are the same loop; only frames up to the head at the moment of following say ``replay``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError

from mozaiks.accounts.principal import Principal
from mozaiks.protocol.commands import Cursor, Follow
from mozaiks.protocol.errors import NotFound, Unavailable

from . import deltas, executor, ports
from .ports import Head
from .session_feed import SessionFeed

log = logging.getLogger("mozaiks.gateway")

PAGE = 200
RESULT_FIRST = 0.5
"""Seconds that events wait for the result of the command that may have caused them; a slow one holds up no more."""
LAST = 200
"""Events sent to a client that comes without a cursor (PROTOCOL section 5)."""

Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass
class Followed:
    """One followed chat: how far it was sent and what of it is still replay."""

    wish: Follow
    head: Head | None = None
    sent: int = 0
    digest: str = ""
    replay_until: int = -1
    replay_from: int = 1
    known_seq: int = 0
    stage: str = "new"
    page: deque[tuple[int, str, dict[str, Any]]] = field(default_factory=deque)
    finals: deque[str] = field(default_factory=lambda: deque(maxlen=64))
    attempt: tuple[str, int] = ("", 0)
    length: int = 0

    @property
    def behind(self) -> bool:
        return self.stage == "live" and self.known_seq > self.sent


class Feed:
    """The pump of one socket."""

    def __init__(self, principal: Principal, send: Send) -> None:
        self.principal = principal
        self._send = send
        self.followed: dict[UUID, Followed] = {}
        self._touched: dict[str, set[str]] = {}
        self.wake = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while no command is being carried out: session signals wait for the command's own result."""
        self.idle.set()
        self._patience = 0.0
        self.session = SessionFeed(principal, send, self.idle)

    # What the consumer tells the feed

    def follow(self, wish: Follow, *, limit: int) -> bool:
        """Follow (again) from the wish's cursor; False where the socket follows ``limit`` chats already."""
        known = self.followed.get(wish.chat_id)
        if known is not None and wish.only_new:
            return True
        if known is None and len(self.followed) >= limit:
            return False
        self.followed[wish.chat_id] = Followed(wish)
        self.wake.set()
        return True

    def command_begins(self) -> None:
        self.idle.clear()
        self._patience = asyncio.get_running_loop().time() + RESULT_FIRST

    def command_ends(self) -> None:
        self.idle.set()
        self.wake.set()

    def unfollow(self, chat_id: UUID) -> None:
        self.followed.pop(chat_id, None)

    def ring(self, bell: dict[str, Any]) -> None:
        """A doorbell: remember what to look at; nothing is believed but that something changed."""
        self.session.reached(bell["version"])
        if bell["chat_id"] is not None:
            self._touched.setdefault(bell["chat_id"], set()).update(bell["topics"], ["log"] if bell["version"] else [])
        self.wake.set()

    def look(self, heads: dict[UUID, int], version: int) -> None:
        """What the poller read: catch up where a doorbell was lost."""
        for chat_id, seq in heads.items():
            known = self.followed.get(chat_id)
            if known is not None and known.stage == "live" and seq > known.sent:
                self._touched.setdefault(str(chat_id), set()).add("log")
                self.wake.set()
        if self.session.reached(version):
            self.wake.set()

    async def delta(self, frame: dict[str, Any]) -> None:
        """Pass streamed text on where it fits what this socket holds; else send the text so far."""
        known = self.followed.get(UUID(frame["chat_id"]))
        if known is None or known.stage != "live" or frame["message_id"] in known.finals:
            return
        key = (frame["message_id"], frame["attempt"])
        if key[0] == known.attempt[0] and key[1] < known.attempt[1]:
            return
        if key != known.attempt:
            if frame["offset"] != 0:
                await self._send_text_so_far(known)
                return
            known.attempt, known.length = key, 0
        skip = known.length - frame["offset"]
        if skip < 0:
            await self._send_text_so_far(known)
        elif len(frame["text"]) > skip:
            known.length += len(frame["text"]) - skip
            await self._send({**frame, "offset": frame["offset"] + skip, "text": frame["text"][skip:]})

    def heads(self) -> dict[str, dict[str, Any]]:
        """The heartbeat's ``chats``."""
        return {
            str(chat_id): {"epoch": str(known.head.epoch), "seq": known.sent, "digest": known.digest}
            for chat_id, known in self.followed.items()
            if known.head is not None and known.stage == "live"
        }

    # The pump

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            try:
                while await self._step():  # noqa: ASYNC110  (one page, then the loop is for others)
                    await asyncio.sleep(0)
            except (OperationalError, InterfaceError, Unavailable) as error:
                # The socket outlives the database: nothing was sent that was not read, so look again.
                log.warning("log not readable, looking again: %s", error)
                await asyncio.sleep(1)
                self.session.stale = True
                self.wake.set()

    async def _step(self) -> bool:
        """Send one page of something; False when all is sent."""
        for chat_id, known in list(self.followed.items()):
            if known.stage == "new":
                await self._begin(chat_id, known)
                return True
        replaying = [known for known in self.followed.values() if known.stage == "replay"]
        if replaying:
            await self._replay(replaying)
            return True
        if self._touched:
            await self._catch_up()
            return True
        behind = [known for known in self.followed.values() if known.behind]
        for known in behind:
            await self._tail(known)
        if behind:
            return True
        return await self.session.step()

    async def _begin(self, chat_id: UUID, known: Followed) -> None:
        try:
            head = await executor.read(ports.log().head, self.principal, chat_id)
            if known.wish.meta:
                meta = await executor.read(ports.meta, self.principal, chat_id)
                await self._send({"type": "chat_meta", **meta})
        except NotFound:
            if self.followed.get(chat_id) is known:
                self.unfollow(chat_id)
            return
        if self.followed.get(chat_id) is not known:
            return
        known.head, known.known_seq = head, head.last_seq
        cursor = known.wish.cursor
        gap = _gap(head, known.wish)
        after = max(head.min_seq - 1, head.last_seq - LAST) if cursor is None or gap else cursor.seq
        if gap:
            frame = {"type": "replay.gap", "chat_id": str(chat_id), "reason": gap, "epoch": str(head.epoch)}
            await self._send({**frame, "min_seq": head.min_seq, "last_seq": head.last_seq})
        previous = await executor.read(ports.log().digest_at, head, after)
        known.sent, known.digest = after, previous or ""
        known.replay_from, known.replay_until, known.stage = after + 1, head.last_seq, "replay"
        await self._send(
            {
                "type": "replay.begin",
                "chat_id": str(chat_id),
                "epoch": str(head.epoch),
                "from": after + 1,
                "to": head.last_seq,
                "prev_digest": known.digest,
            }
        )

    async def _replay(self, replaying: list[Followed]) -> None:
        """One page of all replaying chats together, in the order their events were stored (A40)."""
        for _ in range(PAGE):
            for known in list(replaying):
                if not self._holds(known):  # closed, or opened anew from another cursor, while a page was read or sent
                    replaying.remove(known)
                    continue
                if not known.page and known.sent < known.replay_until:
                    assert known.head is not None
                    known.page.extend(
                        await executor.read(
                            ports.log().events, known.head, after=known.sent, upto=known.replay_until, limit=PAGE
                        )
                    )
                    if not known.page:  # the log was cut or deleted under us: start again honestly
                        if self._holds(known):
                            self._start_over(known)
                        replaying.remove(known)
                        continue
                if known.sent >= known.replay_until:
                    replaying.remove(known)
                    await self._end(known)
            if not replaying:
                return
            oldest = min(replaying, key=lambda known: known.page[0][0])
            await self._send_event(oldest, *oldest.page.popleft()[1:], replay=True)

    async def _end(self, known: Followed) -> None:
        head = known.head
        assert head is not None
        chat_id = str(head.chat_id)
        end = {"type": "replay.end", "chat_id": chat_id, "epoch": str(head.epoch)}
        await self._send({**end, "seq": known.sent, "digest": known.digest})
        for seq in await executor.read(ports.open_inputs, head.chat_id):
            if seq < known.replay_from:
                for _, _, frame in await executor.read(ports.log().events, head, after=seq - 1, upto=seq, limit=1):
                    await self._send({**frame, "replay": True})
        # An empty queue too: the client may hold one from before.
        queue = await executor.read(ports.log().queue, head.chat_id)
        await self._send({"type": "chat.queue", "chat_id": chat_id, "queue": queue})
        known.stage = "live"
        await self._send_text_so_far(known)
        self._touched.setdefault(chat_id, set()).update(["head", "usage"])
        self.wake.set()

    async def _tail(self, known: Followed) -> None:
        assert known.head is not None
        page = await executor.read(ports.log().events, known.head, after=known.sent, upto=None, limit=PAGE)
        await self._result_first()
        if not page:
            known.known_seq = known.sent
        for _, digest, frame in page:
            if not self._holds(known):
                return
            await self._send_event(known, digest, frame, replay=False)

    async def _send_event(self, known: Followed, digest: str, frame: dict[str, Any], *, replay: bool) -> None:
        if frame["type"] == "chat.text":
            known.finals.append(frame["data"]["message_id"])
        await self._send({**frame, "replay": True} if replay else frame)
        known.sent, known.digest = frame["seq"], digest
        known.known_seq = max(known.known_seq, known.sent)

    async def _send_text_so_far(self, known: Followed) -> None:
        assert known.head is not None
        live = await executor.read(deltas.text_so_far, known.head.chat_id)
        if live is None or live["message_id"] in known.finals or not self._holds(known):
            return
        message_id, attempt = known.attempt
        if live["message_id"] == message_id and (live["attempt"], len(live["text"])) <= (attempt, known.length):
            return  # deltas that came while it was read brought more
        known.attempt, known.length = (live["message_id"], live["attempt"]), len(live["text"])
        await self._send({"type": "chat.delta", "chat_id": str(known.head.chat_id), "offset": 0, **live})

    async def _catch_up(self) -> None:
        """Look at what the doorbells named: events and topics of followed chats; tab summaries are kept for later."""
        touched, self._touched = self._touched, {}
        chat_ids = [UUID(chat_id) for chat_id in touched]
        try:
            summaries = await executor.read(ports.log().summaries, self.principal, chat_ids)
            for chat_id, topics in zip(chat_ids, touched.values(), strict=True):
                await self._look_at(chat_id, topics, summaries.get(chat_id))
        except Exception:
            for name, topics in touched.items():  # a bell is answered, or it still rings
                self._touched.setdefault(name, set()).update(topics)
            raise

    async def _look_at(self, chat_id: UUID, topics: set[str], summary: dict[str, Any] | None) -> None:
        known = self.followed.get(chat_id)
        if known is not None and summary is not None and known.head is not None:
            await self._result_first()
            if summary["epoch"] != str(known.head.epoch):
                self._start_over(known)
                return
            known.known_seq = max(known.known_seq, summary["last_seq"])
            while known.behind and self._holds(known):
                await self._tail(known)
            await self._send_topics(chat_id, topics)
        if "log" in topics:
            self.session.summaries[chat_id] = summary
            if summary is None:
                self.unfollow(chat_id)

    async def _result_first(self) -> None:
        """Let the command that is being carried out answer before what it caused is told."""
        left = self._patience - asyncio.get_running_loop().time()
        if left > 0 and not self.idle.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.idle.wait(), left)

    def _holds(self, known: Followed) -> bool:
        """Whether the socket still follows the chat from this wish."""
        return self.followed.get(known.wish.chat_id) is known

    def _start_over(self, known: Followed) -> None:
        """The log is another one than what was sent: follow it from there, which says so by a gap where it must."""
        assert known.head is not None
        cursor = Cursor(seq=known.sent, epoch=known.head.epoch)
        self.follow(known.wish.model_copy(update={"meta": False, "cursor": cursor}), limit=len(self.followed) + 1)

    async def _send_topics(self, chat_id: UUID, topics: set[str]) -> None:
        if "queue" in topics:
            queue = await executor.read(ports.log().queue, chat_id)
            await self._send({"type": "chat.queue", "chat_id": str(chat_id), "queue": queue})
        if "usage" in topics:
            totals = await executor.read(ports.log().usage, chat_id)
            await self._send({"type": "chat.usage", "chat_id": str(chat_id), "totals": totals})
        if "meta" in topics:
            try:
                meta = await executor.read(ports.meta, self.principal, chat_id)
            except NotFound:
                return  # deleted a moment ago; its summary says so
            await self._send({"type": "chat_meta", **meta})


def _gap(head: Head, wish: Follow) -> str | None:
    cursor = wish.cursor
    if cursor is None:
        return None
    if cursor.epoch is not None and cursor.epoch != head.epoch:
        return "epoch"
    if cursor.seq < 0:
        return "invalid"
    if cursor.seq > head.last_seq:
        return "ahead"
    return "expired" if cursor.seq < head.min_seq - 1 else None
