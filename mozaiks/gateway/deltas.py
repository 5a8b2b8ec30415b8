"""Streamed text on its way to clients: coalesced, numbered by offset, and kept so far for whoever joins.

Not in the log: the final ``chat.text`` replaces it all. Runs on the event loop only and never blocks it.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from mozaiks.protocol.text import clean_text

from . import doorbell

COALESCE = 0.03
"""Seconds that tokens are gathered before they are sent."""
KEEP_EVERY = 0.3
"""Seconds between two writes of the text so far into the shared cache."""
KEEP_FOR = 600


@dataclass
class Live:
    """An unfinished message of a chat."""

    chat_id: UUID
    group: str
    message_id: UUID
    agent: str
    attempt: int
    text: str = ""
    sent: str = ""
    kept_at: float = 0.0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


_live: dict[UUID, Live] = {}


def push(*, app_id: UUID, user_id: UUID, chat_id: UUID, message_id: UUID, agent: str, attempt: int, text: str) -> None:
    """Append ``text`` to the chat's unfinished message; another message or attempt starts anew."""
    live = _live.get(chat_id)
    if live is None or live.message_id != message_id or live.attempt != attempt:
        if live is not None and live.timer is not None:
            live.timer.cancel()
        group = doorbell.group_of(app_id=app_id, user_id=user_id)
        live = _live[chat_id] = Live(chat_id, group, message_id, agent, attempt)
    live.text += clean_text(text)  # what a model sends must not break a frame (law 13)
    if live.timer is None:
        live.timer = asyncio.get_running_loop().call_later(COALESCE, _flush, live)


def finish(chat_id: UUID) -> None:
    """The message is in the log, or was dropped: forget its text. May be called from any thread."""
    target = doorbell.loop()
    if target is not None and not _on(target):
        target.call_soon_threadsafe(finish, chat_id)
        return
    live = _live.pop(chat_id, None)
    if live is not None and live.timer is not None:
        live.timer.cancel()
    _background(cache.delete, _key(chat_id))


def text_so_far(chat_id: UUID) -> dict[str, Any] | None:
    """The unfinished message as sent so far: ``{message_id, agent, attempt, text}``, of this process or the cache's.

    Reads the cache where this process does not stream the chat: call it off the event loop.
    """
    live = _live.get(chat_id)
    if live is not None:
        return _snapshot(live) if live.sent else None
    found: dict[str, Any] | None = _quietly(cache.get, _key(chat_id))
    return found


def _on(target: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is target
    except RuntimeError:
        return False


def _flush(live: Live) -> None:
    live.timer = None
    text = live.text[len(live.sent) :]
    if not text or _live.get(live.chat_id) is not live:
        return
    offset = len(live.sent)
    live.sent = live.text
    frame = {
        "type": "chat.delta",
        "chat_id": str(live.chat_id),
        "message_id": str(live.message_id),
        "agent": live.agent,
        "attempt": live.attempt,
        "offset": offset,
        "text": text,
    }
    task = asyncio.ensure_future(doorbell.send(live.group, {"type": "gateway.delta", "frame": frame}))
    doorbell._keep(task)
    now = time.monotonic()
    if now - live.kept_at >= KEEP_EVERY:
        live.kept_at = now
        _background(cache.set, _key(live.chat_id), _snapshot(live), KEEP_FOR)


def _snapshot(live: Live) -> dict[str, Any]:
    return {
        "message_id": str(live.message_id),
        "agent": live.agent,
        "attempt": live.attempt,
        "text": live.sent,
    }


def _key(chat_id: UUID) -> str:
    return f"mozaiks.live.{chat_id}"


def _background(call: Any, *args: Any) -> None:
    """A cache call that never holds up the loop: at once for the in-memory cache, on a thread for Redis.

    One thread, so that the deletion of a finished text never overtakes its last writing.
    """
    if settings.CONFIG.redis_url:
        _keeper.submit(_quietly, call, *args)
    else:
        _quietly(call, *args)


def _quietly(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except Exception as error:  # noqa: BLE001  (whatever the cache says: the text is only kept for comfort)
        doorbell.log.warning("text so far not kept: %s", error)
        return None


_keeper = ThreadPoolExecutor(1, thread_name_prefix="mozaiks-text-so-far")
