"""The WebSocket commands of Ask Mozaiks."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from mozaiks.accounts.principal import Principal
from mozaiks.gateway.registry import command
from mozaiks.protocol.commands import Command, Effect, Follow

from . import services


class EnterGeneralMode(Command):
    """Pause the user's workflow runs and go on in a general chat: the named, else the current, else a new one (A15)."""

    type: Literal["chat.enter_general_mode"] = "chat.enter_general_mode"
    general_chat_id: UUID | None = None

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=UUID(data["general_chat_id"]))]


class StartGeneralChat(Command):
    """As ``chat.enter_general_mode``, with a new numbered general chat (A20)."""

    type: Literal["chat.start_general_chat"] = "chat.start_general_chat"

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Follow(chat_id=UUID(data["general_chat_id"]))]


@command(EnterGeneralMode)
def enter_general_mode(principal: Principal, cmd: EnterGeneralMode) -> dict[str, Any]:
    return services.enter_general_mode(principal=principal, general_chat_id=cmd.general_chat_id)


@command(StartGeneralChat)
def start_general_chat(principal: Principal, cmd: StartGeneralChat) -> dict[str, Any]:
    return services.enter_general_mode(principal=principal, new=True)
