"""The commands that are about the socket itself: hello, list, ping, status, open and close."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from django.conf import settings
from pydantic import Field, StrictInt

from mozaiks.accounts.principal import Principal
from mozaiks.protocol.commands import Command, Cursor, Effect, Follow, Unfollow
from mozaiks.protocol.errors import NotFound, RateLimited

from . import ports
from .registry import command


class Hello(Command):
    """The first frame: says the protocol and how far the client is in each chat.

    Without ``cursors`` the active chat and the current general chat are followed.
    """

    type: Literal["session.hello"] = "session.hello"
    protocol: StrictInt
    cursors: dict[UUID, Cursor] | None = Field(default=None, max_length=1_000)
    client: str | dict[str, Any] | None = None

    claimed: ClassVar[bool] = False

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        refused = {entry["chat_id"] for entry in data["refused"]}
        if self.cursors is None:
            usual = [data["active_chat_id"], data["general_chat_id"]]
            return [Follow(chat_id=UUID(chat_id)) for chat_id in usual if chat_id]
        return [Follow(chat_id=pk, cursor=cursor) for pk, cursor in self.cursors.items() if str(pk) not in refused]


class ListSession(Command):
    """The session state, read anew."""

    type: Literal["session.list"] = "session.list"

    claimed: ClassVar[bool] = False


class Ping(Command):
    """Is the line alive; the ``nonce`` comes back."""

    type: Literal["ping"] = "ping"
    nonce: str | int | None = None

    claimed: ClassVar[bool] = False


class CommandStatus(Command):
    """What became of a command whose answer was lost."""

    type: Literal["command.status"] = "command.status"
    command_id: str = Field(min_length=1, max_length=64)

    claimed: ClassVar[bool] = False


class OpenChat(Command):
    """Follow a chat without making it active."""

    type: Literal["chat.open"] = "chat.open"
    chat_id: UUID
    cursor: Cursor | None = None

    claimed: ClassVar[bool] = False

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=self.chat_id, cursor=self.cursor)]


class CloseChat(Command):
    """Stop following a chat; it goes on."""

    type: Literal["chat.close"] = "chat.close"
    chat_id: UUID

    claimed: ClassVar[bool] = False

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Unfollow(chat_id=self.chat_id)]


class ClientResume(Command):
    """Alias of ``chat.open`` from the prior system: ``lastClientIndex`` is the last ``seq``, -1 for none."""

    type: Literal["client.resume"] = "client.resume"
    chat_id: UUID
    lastClientIndex: StrictInt = Field(ge=-1, le=2**53)  # noqa: N815  (the prior system's name)

    claimed: ClassVar[bool] = False

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=self.chat_id, cursor=Cursor(seq=max(self.lastClientIndex, 0)))]


@command(Hello)
def hello(principal: Principal, cmd: Hello) -> dict[str, Any]:
    state = ports.log().session_state(principal)
    wanted = list(cmd.cursors or {})
    known = ports.log().heads(principal, wanted) if wanted else {}
    limit = settings.MOZAIKS_LIMITS.followed_chats
    allowed = [pk for pk in wanted if pk in known][:limit]
    refused = [
        {"chat_id": str(pk), "code": RateLimited.code if pk in known else NotFound.code}
        for pk in wanted
        if pk not in allowed
    ]
    return {**state, "refused": refused}


@command(ListSession)
def list_session(principal: Principal, cmd: ListSession) -> dict[str, Any]:
    return ports.log().session_state(principal)


@command(Ping, place="socket")
def ping(principal: Principal, cmd: Ping) -> dict[str, Any]:
    return {"nonce": cmd.nonce}


@command(CommandStatus)
def command_status(principal: Principal, cmd: CommandStatus) -> dict[str, Any]:
    return ports.claims().status(principal, cmd.command_id)


@command(OpenChat)
def open_chat(principal: Principal, cmd: OpenChat) -> dict[str, Any]:
    return _opened(principal, cmd.chat_id)


@command(CloseChat)
def close_chat(principal: Principal, cmd: CloseChat) -> dict[str, Any]:
    ports.log().head(principal, cmd.chat_id)
    return {"chat_id": str(cmd.chat_id)}


@command(ClientResume)
def client_resume(principal: Principal, cmd: ClientResume) -> dict[str, Any]:
    return _opened(principal, cmd.chat_id)


def _opened(principal: Principal, chat_id: UUID) -> dict[str, Any]:
    head = ports.log().head(principal, chat_id)
    return {"chat_id": str(chat_id), "epoch": str(head.epoch), "last_seq": head.last_seq, "min_seq": head.min_seq}
