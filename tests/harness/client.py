"""A protocol client for tests: keeps each chat's log as a client must, and checks every rule it can see.

It raises on a hole, a repeated or foreign event, and a digest that does not fit: a test that uses it cannot miss them.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import websockets
from websockets.asyncio.client import ClientConnection

from mozaiks.protocol.digest import first_digest, next_digest

WITHIN = 30.0


class Socket(Protocol):
    """What the client needs of a socket; a real one, or one inside the process."""

    async def send(self, text: str) -> None: ...

    async def recv(self) -> str: ...


class ChatLog:
    """What a client holds of one chat."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.events: list[dict[str, Any]] = []
        self.first = 1
        self.digest = ""
        self.live: dict[str, dict[str, Any]] = {}

    @property
    def seq(self) -> int:
        return self.events[-1]["seq"] if self.events else self.first - 1

    def of(self, *types: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] in types]

    def texts(self, *, visible: bool = True) -> list[tuple[str, str]]:
        """(who, what) of each message."""
        return [
            (event["data"].get("agent") or event["data"]["role"], event["data"]["content"])
            for event in self.of("chat.text")
            if event["data"]["visible"] or not visible
        ]


class Client:
    """One socket of one user."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.chats: dict[str, ChatLog] = {}
        self.frames: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}

    async def hello(self, *, resume: bool = False, **fields: Any) -> dict[str, Any]:
        """Say hello; with ``resume`` from where this client is in each chat."""
        if resume:
            fields["cursors"] = {pk: {"epoch": log.epoch, "seq": log.seq} for pk, log in self.chats.items()}
        self.state = await self.ask("session.hello", protocol=1, **fields)
        return self.state

    async def send(self, type_: str, **fields: Any) -> str:
        """Send a command; its id."""
        frame = {"type": type_, "id": fields.pop("id", None) or uuid.uuid4().hex, **fields}
        await self.socket.send(json.dumps(frame))
        return str(frame["id"])

    async def result(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a command and wait for its result frame."""
        command_id = await self.send(type_, **fields)
        return await self.until(lambda frame: frame["type"] == "result" and frame["re"] == command_id)

    async def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a command that must be accepted; its data."""
        result = await self.result(type_, **fields)
        assert result["ok"], result
        data: dict[str, Any] = result["data"]
        return data

    async def refused(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a command that must be refused; its error."""
        result = await self.result(type_, **fields)
        assert not result["ok"], result
        error: dict[str, Any] = result["error"]
        assert error["message"].endswith((".", "…", "?")), error
        return error

    async def raw(self, text: str) -> dict[str, Any]:
        """Send any text and wait for the next result frame."""
        await self.socket.send(text)
        return await self.until(lambda frame: frame["type"] == "result")

    async def next(self, within: float = WITHIN) -> dict[str, Any]:
        """The next frame, taken into the logs."""
        async with asyncio.timeout(within):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
        self.frames.append(frame)
        self._take(frame)
        return frame

    async def until(self, wanted: Callable[[dict[str, Any]], bool], within: float = WITHIN) -> dict[str, Any]:
        """Read frames until one is wanted."""
        async with asyncio.timeout(within):
            while True:
                frame = await self.next(within)
                if wanted(frame):
                    return frame

    async def event(self, type_: str, chat_id: str | None = None, within: float = WITHIN) -> dict[str, Any]:
        """Read until an event of that type (of that chat) comes."""
        return await self.until(
            lambda frame: frame["type"] == type_ and (chat_id is None or frame["chat_id"] == chat_id), within
        )

    async def drain(self, seconds: float = 0.3) -> None:
        """Read whatever comes until nothing came for ``seconds``."""
        while True:
            try:
                await self.next(seconds)
            except TimeoutError:
                return

    async def settle(self, chat_id: str, within: float = WITHIN) -> str:
        """Read until the chat's run ended, waits or is paused; how."""
        ends = ("chat.run_complete", "chat.input_request", "chat.paused")
        frame = await self.until(lambda f: f["type"] in ends and f["chat_id"] == chat_id, within)
        return str(frame["type"])

    async def answer(self, request: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
        """Answer an input request event."""
        return await self.ask(
            "ui_tool_response", input_request_id=request["data"]["input_request_id"], response=response
        )

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "replay.begin":
                self._begin(frame)
            case "replay.end":
                log = self.chats[frame["chat_id"]]
                assert (log.seq, log.digest) == (frame["seq"], frame["digest"]), (log.seq, frame)
            case "replay.gap":
                self.chats.pop(frame["chat_id"], None)
            case "chat.delta":
                self._delta(frame)
            case _ if "seq" in frame and "event_id" in frame:
                self._event(frame)

    def _begin(self, frame: dict[str, Any]) -> None:
        log = self.chats.get(frame["chat_id"])
        if log is not None and log.epoch == frame["epoch"] and log.seq == frame["from"] - 1:
            assert log.digest == frame["prev_digest"], frame
            return
        log = self.chats[frame["chat_id"]] = ChatLog(frame["epoch"])
        log.first, log.digest = frame["from"], frame["prev_digest"]
        if log.first == 1:
            assert log.digest == first_digest(frame["epoch"]), frame

    def _event(self, frame: dict[str, Any]) -> None:
        log = self.chats[frame["chat_id"]]
        assert frame["epoch"] == log.epoch, frame
        if frame["seq"] <= log.seq or (frame.get("replay") and frame["seq"] < log.first):
            return  # an older open question comes again; everything else that is known is ignored
        assert frame["seq"] == log.seq + 1, (log.seq, frame)
        log.events.append(frame)
        log.digest = next_digest(log.digest, frame["event_id"])
        if frame["type"] == "chat.text":
            live = log.live.pop(frame["data"]["message_id"], None)
            if live is not None and not frame["data"].get("partial"):
                assert frame["data"]["content"].startswith(live["text"][:1]) or live["attempt"] > 1, (live, frame)
        elif frame["type"] == "chat.run_complete":
            log.live.clear()

    def _delta(self, frame: dict[str, Any]) -> None:
        log = self.chats[frame["chat_id"]]
        held = log.live.get(frame["message_id"])
        if held is not None and frame["attempt"] < held["attempt"]:
            return
        if held is None or frame["offset"] == 0 or frame["attempt"] > held["attempt"]:
            assert frame["offset"] == 0, frame
            log.live[frame["message_id"]] = {"attempt": frame["attempt"], "text": frame["text"]}
        else:
            assert frame["offset"] == len(held["text"]), (held, frame)
            held["text"] += frame["text"]


class _Websocket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, text: str) -> None:
        await self.connection.send(text)

    async def recv(self) -> str:
        return str(await self.connection.recv())


@asynccontextmanager
async def connected(url: str, token: str, *, known: Client | None = None) -> AsyncIterator[Client]:
    """A client on a real socket; ``known`` lends it the logs of an earlier connection."""
    async with websockets.connect(
        url, additional_headers={"Authorization": f"Bearer {token}"}, max_size=None, proxy=None
    ) as connection:
        client = Client(_Websocket(connection))
        if known is not None:
            client.chats = known.chats
        yield client


def run(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run a scenario to its end."""

    async def body() -> Any:
        return await main()

    return asyncio.run(body())
