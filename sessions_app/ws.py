"""The WebSocket commands about chats as such: tabs, titles, what was read, deletion."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StrictInt

from mozaiks.accounts.principal import Principal
from mozaiks.gateway.registry import command
from mozaiks.protocol.commands import Command, Effect, Unfollow

from . import registry, services


class CloseTab(Command):
    """Take a tab from the strip; closing a tab ends nothing."""

    type: Literal["tab.close"] = "tab.close"
    chat_id: UUID


class ReorderTabs(Command):
    """Put the named tabs first, in that order."""

    type: Literal["tab.reorder"] = "tab.reorder"
    chat_ids: list[UUID] = Field(max_length=200)


class RenameChat(Command):
    """Give a chat a title."""

    type: Literal["chat.rename"] = "chat.rename"
    chat_id: UUID
    title: str = Field(min_length=1, max_length=200)


class DeleteChat(Command):
    """Delete a chat: it is hidden at once, its run ends, its rows go soon; the ledger's totals stay."""

    type: Literal["chat.delete"] = "chat.delete"
    chat_id: UUID

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        return [Unfollow(chat_id=self.chat_id)]


class UpdateQueued(Command):
    """Edit a message that waits until the chat's run is done."""

    type: Literal["chat.queue.update"] = "chat.queue.update"
    chat_id: UUID
    queued_id: UUID
    text: str = Field(min_length=1, max_length=50_000)


class RemoveQueued(Command):
    """Withdraw a message that waits until the chat's run is done."""

    type: Literal["chat.queue.remove"] = "chat.queue.remove"
    chat_id: UUID
    queued_id: UUID


class MarkSeen(Command):
    """Mark a chat as read up to ``seq``."""

    type: Literal["chat.seen"] = "chat.seen"
    chat_id: UUID
    seq: StrictInt = Field(ge=0, le=2**53)

    claimed: ClassVar[bool] = False


@command(CloseTab, viewers=True)
def close_tab(principal: Principal, cmd: CloseTab) -> dict[str, Any]:
    return {"chat_id": str(cmd.chat_id), "tabs": registry.close_tab(principal=principal, chat_id=cmd.chat_id)}


@command(ReorderTabs, viewers=True)
def reorder_tabs(principal: Principal, cmd: ReorderTabs) -> dict[str, Any]:
    return {"tabs": registry.reorder_tabs(principal=principal, chat_ids=cmd.chat_ids)}


@command(RenameChat)
def rename_chat(principal: Principal, cmd: RenameChat) -> dict[str, Any]:
    chat = services.rename_chat(principal=principal, chat_id=cmd.chat_id, title=cmd.title)
    return {"chat_id": str(chat.pk), "title": chat.title}


@command(DeleteChat)
def delete_chat(principal: Principal, cmd: DeleteChat) -> dict[str, Any]:
    services.delete_chat(principal=principal, chat_id=cmd.chat_id)
    return {"chat_id": str(cmd.chat_id)}


@command(MarkSeen, place="writer")
def mark_seen(principal: Principal, cmd: MarkSeen) -> dict[str, Any]:
    return {"unread": services.mark_seen(principal=principal, chat_id=cmd.chat_id, seq=cmd.seq)}


@command(UpdateQueued)
def update_queued(principal: Principal, cmd: UpdateQueued) -> dict[str, Any]:
    queue = services.update_queued(principal=principal, chat_id=cmd.chat_id, queued_id=cmd.queued_id, text=cmd.text)
    return {"chat_id": str(cmd.chat_id), "queue": queue}


@command(RemoveQueued)
def remove_queued(principal: Principal, cmd: RemoveQueued) -> dict[str, Any]:
    queue = services.remove_queued(principal=principal, chat_id=cmd.chat_id, queued_id=cmd.queued_id)
    return {"chat_id": str(cmd.chat_id), "queue": queue}
