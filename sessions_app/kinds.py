"""The kinds of chats and what each does with a message, a stop, a deletion, a run; filled by the upper apps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mozaiks.accounts.principal import Principal

if TYPE_CHECKING:
    from .models import ChatSession


@dataclass(frozen=True)
class Submission:
    """What became of a message: the ``data`` of ``user.input.submit``."""

    status: str
    seq: int | None = None
    run_id: UUID | None = None
    queued_id: UUID | None = None
    already: bool = False
    """The question was answered before; this text was not taken."""


@dataclass(frozen=True)
class ChatKind:
    """What the runtime asks of a kind of chat; every call but ``execute`` runs in a transaction on a locked chat."""

    submit: Callable[[Principal, ChatSession, str, UUID | None, str | None], Submission]
    stop: Callable[[ChatSession, UUID], bool]
    abandon: Callable[[ChatSession], None]
    execute: Callable[[UUID, Any], Awaitable[None]]
    sequence: Callable[[ChatSession], int | None] = lambda chat: None
    """The number of a numbered chat."""


_kinds: dict[str, ChatKind] = {}


def register(name: str, kind: ChatKind) -> None:
    """Called once per kind from an app's ``ready``."""
    _kinds[name] = kind


def get(name: str) -> ChatKind:
    """The kind of a chat."""
    return _kinds[name]
