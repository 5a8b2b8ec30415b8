"""A user at a socket who outlives the server: what was sent without an answer is sent again under the same id.

Rule: everything this person was told is kept and held against the server later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException

from tests.harness.client import ChatLog, Client, connected
from tests.kill.stage import Stage

LOST = (WebSocketException, OSError, EOFError)
WITHIN = 40.0


@dataclass
class Told:
    """A command that was answered: the person believes it is in effect."""

    type: str
    fields: dict[str, Any]
    data: dict[str, Any]
    duplicate: bool


@dataclass
class Person:
    """One user. ``after_loss`` is called when the line is gone, and returns when the server is there again."""

    stage: Stage
    name: str
    token: str
    after_loss: Callable[[Person], Awaitable[None]]
    client: Client = field(init=False)
    told: dict[str, Told] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    within: float = WITHIN
    losses: int = 0
    _line: contextlib.AsyncExitStack | None = None

    def log(self, chat_id: str) -> ChatLog:
        return self.client.chats[chat_id]

    def frames(self, type_: str, chat_id: str) -> list[dict[str, Any]]:
        """What came on this line, of this type about this chat."""
        return [one for one in self.client.frames if one["type"] == type_ and one.get("chat_id") == chat_id]

    async def connect(self, *, known: Client | None = None) -> None:
        """Open a line and say hello, from where ``known`` was."""
        while True:
            line = contextlib.AsyncExitStack()
            try:
                self.client = await line.enter_async_context(
                    connected(self.stage.server.ws_url, self.token, known=known)
                )
                await self.client.hello(resume=known is not None)
            except LOST:
                await line.aclose()
                await self._lost()
            else:
                self._line = line
                return

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(*LOST):
                await line.aclose()

    async def do(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a command until it is answered, always under the same id; its data."""
        command_id = f"{self.name}-{len(self.sent)}"
        self.sent.append(command_id)
        while True:
            try:
                result = await self.client.result(type_, id=command_id, **fields)
            except LOST:
                await self.back()
                continue
            assert result["ok"], (type_, fields, result)
            self.told[command_id] = Told(type_, fields, result["data"], result["duplicate"])
            data: dict[str, Any] = result["data"]
            return data

    async def until(self, seen: Callable[[], Any], what: str) -> Any:
        """Read until ``seen`` says something true; what it said."""
        end = asyncio.get_running_loop().time() + self.within
        while True:
            if found := seen():
                return found
            left = end - asyncio.get_running_loop().time()
            assert left > 0, f"{self.name} waited for {what} in vain"
            try:
                await self.client.next(left)
            except TimeoutError:
                raise AssertionError(f"{self.name} waited for {what} in vain") from None
            except LOST:
                await self.back()

    async def event(self, chat_id: str, type_: str, number: int = 1) -> dict[str, Any]:
        """The ``number``-th event of that type in the chat."""
        found: dict[str, Any] = await self.until(
            lambda: chat_id in self.client.chats and self.log(chat_id).of(type_)[number - 1 : number],
            f"{type_} number {number}",
        )
        return found[0]  # type: ignore[index]

    async def answer(self, request: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
        return await self.do(
            "ui_tool_response", input_request_id=request["data"]["input_request_id"], response=response
        )

    async def back(self) -> None:
        """The line is gone: have the server looked after, and come back with what is held of every chat."""
        while True:
            known = self.client
            await self._lost()
            await self.connect(known=known)
            with contextlib.suppress(*LOST):
                await self.catch_up()
                return

    async def catch_up(self) -> None:
        """Hold what was told against the server, and follow what was told of."""
        for command_id, told in self.told.items():
            status = await self.client.ask("command.status", command_id=command_id)
            self.check_told(command_id, told, status)
        for chat_id in self._chats_told() - self.client.chats.keys():
            # The answer came and the chat's first event did not: this person knows the chat and holds nothing of it.
            await self.client.ask("chat.open", chat_id=chat_id, cursor={"seq": 0})

    def _chats_told(self) -> set[str]:
        names = ("chat_id", "general_chat_id")
        return {told.data[name] for told in self.told.values() for name in names if told.data.get(name)}

    def check_told(self, command_id: str, told: Told, status: dict[str, Any]) -> None:
        from tests.kill.oracle import must

        must(
            "an acknowledged command is in effect",
            status["status"] == "committed" and status["result"] == told.data,
            (command_id, told, status),
        )

    async def _lost(self) -> None:
        await self.close()
        self.losses += 1
        assert self.losses < 500, "the line is lost again and again"
        await self.after_loss(self)
