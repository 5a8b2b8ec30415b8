"""What the gateway's tests do again and again: start, look inside, fill a chat, knock at the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from channels.testing import WebsocketCommunicator
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from general_chat.models import GeneralChatSession
from mozaiks.accounts.models import User
from mozaiks.accounts.principal import Principal
from mozaiks.gateway import executor
from mozaiks.protocol.events import Said
from sessions_app import services
from sessions_app.models import ChatSession, CommandClaim, LoggedEvent, ModelCall, QueuedMessage, UserSession
from tests.conftest import _InProcess
from tests.harness.client import Client
from workflows_app.models import InputRequest, Run

Connect = Callable[..., Awaitable[Client]]
Open = Callable[..., Awaitable["Door"]]
Frame = dict[str, Any]
SEA = "Tell me about the sea"


async def database(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a service or a selector as the server does: on a writer thread."""
    return await executor.write(call, *args, **kwargs)


async def start(client: Client, name: str = "Helper", message: str | None = "Hello there", **fields: Any) -> str:
    """Start a workflow and read until it rests, waits or is paused; its chat."""
    if message is not None:
        fields["message"] = message
    started = await client.ask("chat.start_workflow", workflow_name=name, **fields)
    if started["run_id"] is not None:
        await client.settle(started["chat_id"])
    return str(started["chat_id"])


def open_request(client: Client, chat_id: str) -> dict[str, Any]:
    """The newest input request of a chat, as the client has it."""
    return client.chats[chat_id].of("chat.input_request")[-1]


def calls(chat_id: str) -> int:
    return ModelCall.objects.filter(chat_id=chat_id).count()


async def streaming(client: Client, name: str = "Chain", message: str = SEA, **fields: Any) -> tuple[str, str]:
    """Start a workflow and return in the middle of its first message: chat and run."""
    started = await client.ask("chat.start_workflow", workflow_name=name, message=message, **fields)
    for _ in range(3):
        await client.event("chat.delta", started["chat_id"])
    return started["chat_id"], started["run_id"]


async def tab(client: Client, chat_id: str) -> dict[str, Any]:
    state = await client.ask("session.list")
    return next(tab for tab in state["tabs"] if tab["chat_id"] == chat_id)


def said(text: str, *, source: str = "agent", visible: bool = True) -> Said:
    role = "user" if source == "user" else "assistant"
    return Said(source=source, message_id=uuid4(), role=role, agent="x", content=text, visible=visible)  # type: ignore[arg-type]


def filled(principal: Principal, count: int) -> ChatSession:
    """A chat with that many messages."""
    chat = services.create_chat(principal=principal, kind=ChatSession.Kind.WORKFLOW, title="Long")
    services.emit(chat, *(said(str(number)) for number in range(1, count + 1)))
    return chat


async def replayed(client: Client, chat: ChatSession | str, **cursor: Any) -> list[Frame]:
    """Open the chat and read to the end of its replay: its events and the frames around them."""
    chat_id = str(chat.pk) if isinstance(chat, ChatSession) else chat
    fields = {"cursor": cursor} if cursor else {}
    before = len(client.frames)
    await client.ask("chat.open", chat_id=chat_id, **fields)
    await client.until(lambda frame: frame["type"] == "replay.end" and frame["chat_id"] == chat_id)
    about = [frame for frame in client.frames[before:] if frame.get("chat_id") == chat_id]
    return [frame for frame in about if frame["type"] not in ("chat_meta", "chat.queue", "chat.usage")]


def seqs(frames: list[Frame]) -> list[int]:
    return [frame["seq"] for frame in frames if "event_id" in frame]


@dataclass
class World:
    """alice's chats in the states that a command may meet, made when they are needed; and bob's like them."""

    alice: Client
    connect: Connect
    helper: str = ""
    asking: str = ""
    failed: str = ""
    general: str = ""
    request: str = ""
    queued: str = str(UUID(int=0))
    foreign: dict[str, str] = field(default_factory=dict)

    async def make(self, *parts: str) -> World:
        for part in parts:
            await getattr(self, f"_make_{part}")()
        await self.alice.drain(0.05)
        return self

    async def _make_helper(self) -> None:
        self.helper = await start(self.alice)

    async def _make_asking(self) -> None:
        self.asking = await start(self.alice, "Interview", activate=False)
        self.request = open_request(self.alice, self.asking)["data"]["input_request_id"]

    async def _make_failed(self) -> None:
        self.failed = await start(self.alice, "Looper", activate=False)

    async def _make_queued(self) -> None:
        await self._make_helper()
        await self.alice.ask("chat.pause", chat_id=self.helper)
        said = await self.alice.ask("user.input.submit", chat_id=self.helper, text="Later")
        self.queued = said["queued_id"]

    async def _make_general(self) -> None:
        self.general = (await self.alice.ask("chat.enter_general_mode"))["general_chat_id"]
        await self.alice.ask("chat.switch_workflow")

    async def _make_foreign(self) -> None:
        self.foreign = await things_of(await self.connect("bob"))


async def things_of(client: Client) -> dict[str, str]:
    """A chat, a general chat and an open request of that user."""
    chat = await start(client, "Interview")
    request = open_request(client, chat)["data"]["input_request_id"]
    general = (await client.ask("chat.enter_general_mode"))["general_chat_id"]
    return {"chat": chat, "general": general, "request": request}


async def answered_by_meta_and_replay(client: Client, chat_id: str) -> None:
    """What follows the result: chat_meta, then the replay of section 5, and no event of the chat before it."""
    wanted = {"chat_meta", "replay.begin", "replay.end"}
    seen: list[str] = []
    while not seen or seen[-1] != "replay.end":
        frame = await client.next()
        if frame.get("chat_id") == chat_id and (frame["type"] in wanted or "event_id" in frame):
            seen.append(frame["type"])
            assert frame.get("replay", True) or "event_id" not in frame
    assert seen[:2] == ["chat_meta", "replay.begin"], seen


def everything() -> dict[str, Any]:
    """What the database holds that a command can change."""
    chats = ChatSession.objects.order_by("pk").values_list("pk", "status", "title", "last_seq", "run_state", "seen_seq")
    sessions = UserSession.objects.order_by("pk").values_list("pk", "mode", "active_chat_id", "general_chat_id", "tabs")
    return {
        "chats": list(chats),
        "sessions": list(sessions),
        "events": LoggedEvent.objects.count(),
        "runs": list(Run.objects.order_by("pk").values_list("pk", "status")),
        "queue": list(QueuedMessage.objects.order_by("pk").values_list("pk", "text")),
        "calls": ModelCall.objects.count(),
        "general": GeneralChatSession.objects.count(),
        "requests": list(InputRequest.objects.order_by("pk").values_list("pk", "status")),
        "claims of chats": CommandClaim.objects.filter(ok=True).count(),
    }


class Door:
    """A socket as the server left it: accepted or not, and the code it was closed with."""

    def __init__(self, communicator: WebsocketCommunicator, accepted: bool, detail: Any) -> None:
        self.communicator, self.accepted, self.detail = communicator, accepted, detail

    async def code(self) -> int:
        message = await self.communicator.receive_output(timeout=20)
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    @property
    def client(self) -> Client:
        assert self.accepted
        return Client(_InProcess(self.communicator))


async def is_well(client: Client) -> None:
    assert (await client.ask("ping", nonce="still here"))["nonce"] == "still here"


def signed_in(name: str) -> str:
    """The session cookie of a signed-in user."""
    user = User.objects.get(username=name)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key
    return session.session_key
