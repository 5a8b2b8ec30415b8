"""The doorbell: "chat X reached N", over the channel layer, after the commit (law 1).

Losing, doubling or delaying any of it changes nothing but latency: what is sent to a client is always read from the
database. May be rung from any thread; without an event loop only a layer shared between processes carries it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

log = logging.getLogger("mozaiks.gateway")

LAYER_TIMEOUT = 2.0
"""Seconds that a send to the layer may take."""
_loop: asyncio.AbstractEventLoop | None = None
_pending: dict[str, dict[str | None, dict[str, Any]]] = {}


def bind() -> None:
    """Ring through the running event loop from now on; called by every socket and by the engine's start."""
    global _loop
    loop = asyncio.get_running_loop()
    if _loop is not loop:
        _loop = loop
        _pending.clear()


def loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that serves sockets in this process, if there is one."""
    return _loop if _loop is not None and _loop.is_running() else None


def group_of(*, app_id: UUID, user_id: UUID) -> str:
    """The channel-layer group of one user in one app; a hash, so that no name can meet another's."""
    return "mozaiks." + hashlib.sha256(f"{app_id}:{user_id}".encode()).hexdigest()[:40]


def ring(*, app_id: UUID, user_id: UUID, chat_id: UUID | None, seq: int, version: int) -> None:
    """The chat reached ``seq`` and the user's session ``version``."""
    _send(group_of(app_id=app_id, user_id=user_id), chat_id, seq=seq, version=version, topics=[])


def ring_topic(*, app_id: UUID, user_id: UUID, chat_id: UUID, topic: str) -> None:
    """Something beside the log changed: ``queue``, ``meta`` or ``usage``."""
    _send(group_of(app_id=app_id, user_id=user_id), chat_id, seq=0, version=0, topics=[topic])


def close_sockets(*, app_id: UUID, user_id: UUID, code: int) -> None:
    """Close the user's sockets in this app, in every process."""
    _deliver(group_of(app_id=app_id, user_id=user_id), {"type": "gateway.close", "code": code})


async def send(group: str, message: dict[str, Any]) -> None:
    """Send to the layer; a failure is logged, never raised."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        await asyncio.wait_for(layer.group_send(group, message), LAYER_TIMEOUT)
    except Exception as error:  # noqa: BLE001  (a hint may be lost)
        log.warning("doorbell not delivered: %s", error)


def _send(group: str, chat_id: UUID | None, *, seq: int, version: int, topics: list[str]) -> None:
    bell = {"chat_id": str(chat_id) if chat_id else None, "seq": seq, "version": version, "topics": topics}
    target = loop()
    if target is not None:
        target.call_soon_threadsafe(_collect, group, bell)
    elif settings.CONFIG.redis_url:
        _deliver(group, {"type": "gateway.bells", "bells": [bell]})


def _collect(group: str, bell: dict[str, Any]) -> None:
    """Merge the bells of one loop iteration, so that a transaction with many events rings once."""
    bells = _pending.get(group)
    if bells is None:
        bells = _pending[group] = {}
        asyncio.get_running_loop().call_soon(_flush, group)
    known = bells.setdefault(bell["chat_id"], bell)
    if known is not bell:
        known["seq"] = max(known["seq"], bell["seq"])
        known["version"] = max(known["version"], bell["version"])
        known["topics"] = sorted({*known["topics"], *bell["topics"]})


def _flush(group: str) -> None:
    bells = _pending.pop(group, None)
    if bells:
        _keep(asyncio.ensure_future(send(group, {"type": "gateway.bells", "bells": list(bells.values())})))


def _deliver(group: str, message: dict[str, Any]) -> None:
    target = loop()
    if target is not None:
        target.call_soon_threadsafe(lambda: _keep(asyncio.ensure_future(send(group, message))))
    elif settings.CONFIG.redis_url:
        try:
            async_to_sync(send)(group, message)
        except RuntimeError as error:
            log.warning("doorbell not delivered: %s", error)


_tasks: set[asyncio.Future[None]] = set()


def _keep(task: asyncio.Future[None]) -> None:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
