"""The gateway's view of chats and logs: the ``LogReader`` port over the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from mozaiks.accounts.principal import Principal
from mozaiks.gateway.ports import Head
from mozaiks.protocol.digest import first_digest

from . import kinds, registry, selectors
from .models import ChatSession, LoggedEvent, UserSession


class DatabaseLog:
    """Reads for replay and live tail; every call is one or two short queries outside a transaction."""

    def head(self, principal: Principal, chat_id: UUID) -> Head:
        chat = selectors.get_chat(principal=principal, chat_id=chat_id)
        return _head(chat)

    def heads(self, principal: Principal, chat_ids: list[UUID]) -> dict[UUID, Head]:
        chats = selectors.list_chats(principal=principal).filter(pk__in=chat_ids)
        return {chat.pk: _head(chat) for chat in chats}

    def events(self, head: Head, *, after: int, upto: int | None, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        rows = selectors.list_events(chat_id=head.chat_id, after=after, upto=upto, limit=limit)
        return [(row.position, row.digest, selectors.wire_event(row, epoch=head.epoch)) for row in rows]

    def digest_at(self, head: Head, seq: int) -> str | None:
        if seq <= 0:
            return first_digest(head.epoch)
        return LoggedEvent.objects.filter(chat_id=head.chat_id, seq=seq).values_list("digest", flat=True).first()

    def session_state(self, principal: Principal) -> dict[str, Any]:
        return registry.get_state(principal=principal)

    def session_row(self, principal: Principal) -> dict[str, Any]:
        session = selectors.get_session(principal=principal)
        label = sequence = None
        if session.mode == UserSession.Mode.GENERAL and session.general_chat_id:
            chat = ChatSession.objects.filter(pk=session.general_chat_id).first()
            if chat is not None:
                label, sequence = chat.label, kinds.get(chat.kind).sequence(chat)
        return {
            "version": session.version,
            "mode": session.mode,
            "active_chat_id": session.active_chat_id,
            "general_chat_id": session.general_chat_id,
            "general_chat_label": label,
            "general_chat_sequence": sequence,
        }

    def summaries(self, principal: Principal, chat_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
        chats = list(selectors.list_chats(principal=principal).filter(pk__in=chat_ids))
        return {chat.pk: summary for chat, summary in zip(chats, selectors.tab_summaries(chats=chats), strict=True)}

    def queue(self, chat_id: UUID) -> list[dict[str, Any]]:
        return selectors.list_queue(chat_id=chat_id)

    def usage(self, chat_id: UUID) -> dict[str, Any]:
        return selectors.chat_usage(chat_id=chat_id)


def _head(chat: ChatSession) -> Head:
    return Head(
        chat_id=chat.pk,
        kind=chat.kind,
        workflow_name=chat.workflow_name or None,
        epoch=chat.epoch,
        last_seq=chat.last_seq,
        min_seq=chat.min_seq,
        digest=chat.digest,
        artifact_id=chat.artifact_id,
        run_state=chat.run_state,
    )
