"""The commands there are: each app registers its own, schema and handler together (the Home Assistant manner)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mozaiks.accounts.principal import Principal
from mozaiks.protocol.commands import Command, Reply

C = TypeVar("C", bound=Command)
Handler = Callable[[Principal, C], Reply | dict[str, Any]]
Place = Literal["writer", "reader", "socket"]


@dataclass(frozen=True)
class Registered:
    """A command as the dispatcher sees it."""

    schema: type[Command]
    handler: Callable[[Principal, Any], Reply | dict[str, Any]]
    place: Place
    """Where the handler runs: a writer thread, a reader thread, or on the socket's own loop (no database)."""
    viewers: bool
    """Whether a member with the role ``viewer`` may send it."""


_commands: dict[str, Registered] = {}


def command(
    schema: type[C], *, place: Place | None = None, viewers: bool | None = None
) -> Callable[[Handler[C]], Handler[C]]:
    """Register the decorated function as the handler of ``schema``."""

    def register(handler: Handler[C]) -> Handler[C]:
        name = schema.model_fields["type"].default
        assert name not in _commands, name
        where: Place = place or ("writer" if schema.claimed else "reader")
        _commands[name] = Registered(schema, handler, where, not schema.claimed if viewers is None else viewers)
        return handler

    return register


def find(name: Any) -> Registered | None:
    """The command of that type, or None."""
    return _commands.get(name) if isinstance(name, str) else None


def all_commands() -> dict[str, Registered]:
    """Every command by its type, in the order of registration."""
    return dict(_commands)
