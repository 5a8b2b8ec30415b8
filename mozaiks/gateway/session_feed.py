"""What one socket is told of its user's session: mode, active chat, tabs (PROTOCOL section 3, ``session_version``).

One rule: what a command changed is told after the command's own result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from mozaiks.accounts.principal import Principal

from . import executor, ports

Send = Callable[[dict[str, Any]], Awaitable[None]]


class SessionFeed:
    """The session as this socket last saw it, and what is still to be told."""

    def __init__(self, principal: Principal, send: Send, idle: asyncio.Event) -> None:
        self.principal = principal
        self._send = send
        self._idle = idle
        """Set while the socket carries out no command."""
        self._row: dict[str, Any] = {"version": -1, "mode": "workflow", "active_chat_id": None}
        self._lock = asyncio.Lock()
        self.stale = False
        self.summaries: dict[UUID, dict[str, Any] | None] = {}
        """Tab summaries to send; None for a chat that is gone."""

    @property
    def version(self) -> int:
        return int(self._row["version"])

    def begin_with(self, state: dict[str, Any]) -> None:
        """The session as hello's answer says it; looked at once more, for what changed while it was on its way."""
        ids = {name: UUID(state[name]) if state[name] else None for name in ("active_chat_id", "general_chat_id")}
        self._row = {"version": state["session_version"], "mode": state["mode"], **ids}
        self.stale = True

    def reached(self, version: int) -> bool:
        """The session reached ``version``; True where this socket has not seen it."""
        self.stale = self.stale or version > self.version
        return self.stale

    async def step(self) -> bool:
        """Tell what is to be told; False when there is nothing, or a command is about to answer first."""
        if not (self.stale or self.summaries) or not self._idle.is_set():
            return False
        await self.sync()
        if self._idle.is_set():
            summaries, self.summaries = self.summaries, {}
            for chat_id, summary in summaries.items():
                await self._send_summary(chat_id, summary)
        return True

    async def sync(self, *, after_result: bool = False) -> None:
        """Send what changed in the session row since this socket last looked: mode and active chat.

        ``after_result``: called by the command that changed it; anyone else waits while a command is carried out.
        """
        async with self._lock:
            self.stale = False
            now = await executor.read(ports.log().session_row, self.principal)
            if not after_result and not self._idle.is_set():
                self.stale = True
                return
            before, self._row = self._row, now
            await self._tell_changes(before, now)

    async def _tell_changes(self, before: dict[str, Any], now: dict[str, Any]) -> None:
        if before["version"] < 0 or now["version"] == before["version"]:
            return
        if now["mode"] != before["mode"] or (
            now["mode"] == "general" and now["general_chat_id"] != before["general_chat_id"]
        ):
            frame = {"type": "chat.mode_changed", "mode": now["mode"], "session_version": now["version"]}
            if now["mode"] == "general":
                for name in ("general_chat_id", "general_chat_label", "general_chat_sequence"):
                    frame[name] = _text(now[name])
            frame["active_chat_id"] = _text(now["active_chat_id"])
            await self._send(frame)
        if now["active_chat_id"] != before["active_chat_id"]:
            await self._tell_switch(before["active_chat_id"], now)

    async def _tell_switch(self, old: UUID | None, now: dict[str, Any]) -> None:
        new = now["active_chat_id"]
        heads = await executor.read(ports.log().heads, self.principal, [new]) if new else {}
        head = heads.get(new) if new else None
        await self._send(
            {
                "type": "chat.context_switched",
                "from_chat_id": _text(old),
                "to_chat_id": _text(new),
                "workflow_name": head.workflow_name if head else None,
                "artifact_id": _text(head.artifact_id) if head else None,
                "session_version": now["version"],
            }
        )

    async def _send_summary(self, chat_id: UUID, summary: dict[str, Any] | None) -> None:
        frame: dict[str, Any] = {"type": "session.updated", "session_version": self.version}
        await self._send({**frame, "removed": str(chat_id)} if summary is None else {**frame, "chat": summary})


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
