"""The sockets of this process, and the one poller that makes a lost doorbell cost seconds, not events (law 1)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from . import executor, ports

if TYPE_CHECKING:
    from .consumer import SocketConsumer

log = logging.getLogger("mozaiks.gateway")

POLL_EVERY = 5.0
"""Seconds between two looks at the heads of followed chats."""
RECHECK_EVERY = 6
"""Polls between two checks that a socket's user may still be here (S4: within 60 s)."""

_sockets: set[SocketConsumer] = set()
_poller: asyncio.Task[None] | None = None
draining = False


def add(socket: SocketConsumer) -> None:
    """A socket opened; the first one starts the poller."""
    global _poller
    _sockets.add(socket)
    if _poller is None or _poller.done() or _poller.get_loop() is not asyncio.get_running_loop():
        _poller = asyncio.get_running_loop().create_task(_poll())


def remove(socket: SocketConsumer) -> None:
    _sockets.discard(socket)


def count(user_id: UUID) -> int:
    """Open sockets of a user in this process."""
    return sum(1 for socket in _sockets if socket.admitted and socket.admitted.principal.user_id == user_id)


async def drain(retry_ms: int = 500) -> None:
    """Tell every client that the server restarts and close with 1012; new sockets are turned away."""
    global draining
    draining = True
    frame = {"type": "session.drain", "retry_ms": retry_ms}
    await asyncio.gather(*(socket.drain(frame) for socket in list(_sockets)), return_exceptions=True)


async def _poll() -> None:
    rounds = 0
    while True:
        await asyncio.sleep(POLL_EVERY)
        rounds += 1
        try:
            await _look(recheck=rounds % RECHECK_EVERY == 0)
        except Exception as error:  # noqa: BLE001  (the poller goes on)
            log.warning("poll failed: %s", error)


async def _look(*, recheck: bool) -> None:
    by_user: dict[tuple[UUID, UUID], list[SocketConsumer]] = defaultdict(list)
    for socket in list(_sockets):
        if socket.feed is not None:
            principal = socket.feed.principal
            by_user[principal.app_id, principal.user_id].append(socket)
    for sockets in by_user.values():
        feeds = [socket.feed for socket in sockets if socket.feed is not None]
        if not feeds:
            continue
        wanted = list({chat_id for feed in feeds for chat_id in feed.followed})
        principal = feeds[0].principal
        heads = await executor.read(ports.log().heads, principal, wanted) if wanted else {}
        row = await executor.read(ports.log().session_row, principal)
        for feed in feeds:
            feed.look({chat_id: head.last_seq for chat_id, head in heads.items()}, row["version"])
        if recheck:
            for socket in sockets:
                await socket.recheck()


def total() -> int:
    """Open sockets of this process."""
    return len(_sockets)
