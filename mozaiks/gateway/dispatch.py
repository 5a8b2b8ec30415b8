"""From a checked frame to an answer: one place that translates every failure, so that no handler can close a socket."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError

from mozaiks import faults
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.commands import Command, Effect, Reply, validate
from mozaiks.protocol.errors import Forbidden, Internal, Refused, SchemaInvalid, Unavailable, UnknownCommand
from mozaiks.protocol.frames import check_strings, usable_id

from . import executor, ports
from .registry import Registered, find

log = logging.getLogger("mozaiks.gateway")


@dataclass(frozen=True)
class Outcome:
    """An answer and what it does to the socket."""

    frame: dict[str, Any]
    command: Command | None = None
    effects: tuple[Effect, ...] = ()


async def dispatch(principal: Principal, frame: dict[str, Any]) -> Outcome:
    """The outcome of one frame; never raises but for cancellation."""
    re = usable_id(frame)
    try:
        registered, command = parse(frame)
        if not principal.can_write and not registered.viewers:
            raise Forbidden("A viewer of this app can read but not do this.")
        return await _carry_out(principal, registered, command)
    except Exception as error:  # noqa: BLE001  (the one translator of failures)
        return Outcome(refusal_frame(re, as_refusal(error)))


def parse(frame: dict[str, Any]) -> tuple[Registered, Command]:
    """The command of a frame, checked against its schema."""
    if not isinstance(frame.get("type"), str):
        raise SchemaInvalid("type: this field is required.")
    if usable_id(frame) is None:
        raise SchemaInvalid("id: a command needs an id of 1 to 64 characters.")
    check_strings(frame)
    registered = find(frame["type"])
    if registered is None:
        raise UnknownCommand(f"There is no command {frame['type'][:60]!r}.")
    return registered, validate(registered.schema, frame)


def as_refusal(error: Exception) -> Refused:
    """Any exception as the refusal a client may see; what was not expected is logged under a reference."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, (OperationalError, InterfaceError)):
        log.warning("database unavailable: %s", error)
        return Unavailable("The database is not available just now; try again.")
    reference = uuid.uuid4().hex[:12]
    log.error("command failed, reference %s", reference, exc_info=error)
    return Internal(f"Something went wrong on the server (reference {reference}).")


def refusal_frame(re: str | None, refusal: Refused) -> dict[str, Any]:
    """The ``result`` frame of a refusal."""
    return {"type": "result", "re": re, "ok": False, "error": refusal.body()}


async def _carry_out(principal: Principal, registered: Registered, command: Command) -> Outcome:
    def handler() -> dict[str, Any]:
        reply = registered.handler(principal, command)
        return reply.model_dump(mode="json") if isinstance(reply, Reply) else reply

    if not command.claimed:
        if registered.place == "socket":
            data = handler()
        else:
            data = await (executor.write if registered.place == "writer" else executor.read)(handler)
        return _done(command, data, duplicate=False)
    answer = await executor.write(ports.claims().carry_out, principal, command.id, command.body_hash(), handler)
    faults.point("committed_before_result")
    if answer.ok:
        return _done(command, answer.body, duplicate=answer.duplicate)
    frame = {"type": "result", "re": command.id, "ok": False, "error": answer.body}
    return Outcome({**frame, "duplicate": True} if answer.duplicate else frame, command)


def _done(command: Command, data: dict[str, Any], *, duplicate: bool) -> Outcome:
    frame = {"type": "result", "re": command.id, "ok": True, "data": data, "duplicate": duplicate}
    return Outcome(frame, command, tuple(command.effects(data)))
