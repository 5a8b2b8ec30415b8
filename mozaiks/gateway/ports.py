"""What the gateway needs of the layers above it; they fill these ports when Django starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from mozaiks.accounts.principal import Principal


@dataclass(frozen=True)
class Head:
    """Where a chat's log stands."""

    chat_id: UUID
    kind: str
    workflow_name: str | None
    epoch: UUID
    last_seq: int
    min_seq: int
    digest: str
    artifact_id: UUID | None
    run_state: str


@dataclass(frozen=True)
class Answer:
    """What became of a command: ``body`` is the result's data, or the refusal's error object."""

    ok: bool
    body: dict[str, Any]
    duplicate: bool


class LogReader(Protocol):
    """Sync reads; the gateway calls them on its reader threads. Missing and forbidden chats raise ``NotFound``."""

    def head(self, principal: Principal, chat_id: UUID) -> Head: ...

    def heads(self, principal: Principal, chat_ids: list[UUID]) -> dict[UUID, Head]: ...

    def events(
        self, head: Head, *, after: int, upto: int | None, limit: int
    ) -> list[tuple[int, str, dict[str, Any]]]: ...

    def digest_at(self, head: Head, seq: int) -> str | None: ...

    def session_state(self, principal: Principal) -> dict[str, Any]: ...

    def session_row(self, principal: Principal) -> dict[str, Any]: ...

    def summaries(self, principal: Principal, chat_ids: list[UUID]) -> dict[UUID, dict[str, Any]]: ...

    def queue(self, chat_id: UUID) -> list[dict[str, Any]]: ...

    def usage(self, chat_id: UUID) -> dict[str, Any]: ...


class CommandClaims(Protocol):
    """Law 4: a command counts once."""

    def carry_out(
        self, principal: Principal, command_id: str, body_hash: str, handler: Callable[[], dict[str, Any]]
    ) -> Answer: ...

    def status(self, principal: Principal, command_id: str) -> dict[str, Any]: ...


@dataclass
class _Ports:
    log: LogReader | None = None
    claims: CommandClaims | None = None
    meta: Callable[[Principal, UUID], dict[str, Any]] | None = None
    """``chat_meta``'s body for one chat."""
    open_inputs: Callable[[UUID], list[int]] | None = None
    """The ``seq`` of the open input requests of a chat."""


_ports = _Ports()


def install(**ports: Any) -> None:
    """Fill ports; called from the upper apps' ``ready``."""
    for name, value in ports.items():
        assert hasattr(_ports, name), name
        setattr(_ports, name, value)


def log() -> LogReader:
    assert _ports.log is not None
    return _ports.log


def claims() -> CommandClaims:
    assert _ports.claims is not None
    return _ports.claims


def meta(principal: Principal, chat_id: UUID) -> dict[str, Any]:
    assert _ports.meta is not None
    return _ports.meta(principal, chat_id)


def open_inputs(chat_id: UUID) -> list[int]:
    assert _ports.open_inputs is not None
    return _ports.open_inputs(chat_id)
