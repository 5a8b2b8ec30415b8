"""A WebSocket command carried out for another door (REST): the same schema, handler, claim and refusals (law 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from mozaiks.protocol.commands import Reply
from mozaiks.protocol.errors import CODES, Forbidden, Internal, Refused

from . import ports
from .dispatch import parse


@dataclass(frozen=True)
class Done:
    """The command's ``data``, and whether it is the first answer given again."""

    data: dict[str, Any]
    duplicate: bool


def carry_out(principal: Principal, command_type: str, command_id: str | None, **fields: Any) -> Done:
    """Carry the command out, once per ``command_id``; without an id it is not claimed.

    The ids are those of the WebSocket, and so is the hash of the body: the same command may come through both doors.

    Raises:
        Refused: as over the WebSocket, also for a refusal that is given again.
    """
    registered, command = parse({"type": command_type, "id": command_id or uuid4().hex, **fields})
    if not principal.can_write and not registered.viewers:
        raise Forbidden("A viewer of this app can read but not do this.")

    def handler() -> dict[str, Any]:
        reply = registered.handler(principal, command)
        return reply.model_dump(mode="json") if isinstance(reply, Reply) else reply

    if command_id is None:
        with txn():
            return Done(handler(), duplicate=False)
    answer = ports.claims().carry_out(principal, command.id, command.body_hash(), handler)
    if not answer.ok:
        raise _refusal(answer.body)
    return Done(answer.body, answer.duplicate)


def _refusal(body: dict[str, Any]) -> Refused:
    """A stored refusal as the exception it was."""
    details = {key: value for key, value in body.items() if key not in ("code", "message", "retryable")}
    return CODES.get(body["code"], Internal)(body["message"], **details)
