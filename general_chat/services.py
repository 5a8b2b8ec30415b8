"""What users do with Ask Mozaiks: enter general mode, start a numbered chat, ask."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from mozaiks.protocol.errors import NotFound
from mozaiks.protocol.events import Said
from mozaiks.protocol.text import clean_text
from sessions_app import metrics, registry, selectors, store
from sessions_app import services as sessions
from sessions_app.kinds import Submission
from sessions_app.models import ChatSession
from workflows_app import runs
from workflows_app import selectors as workflows
from workflows_app import services as workflow_services
from workflows_app.models import Run

from .models import GeneralChatSession


def enter_general_mode(
    *, principal: Principal, general_chat_id: UUID | None = None, new: bool = False
) -> dict[str, Any]:
    """Pause the user's workflow runs and go on in the named, else the current, else a new general chat (A15)."""
    with txn():
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        general = None if new else _find(principal, general_chat_id, session.general_chat_id)
        if general is None:
            general = start_general_chat(principal=principal)
        registry.enter_general(principal=principal, chat=general.chat)
        paused = runs.pause_for_general_mode(principal=principal)
    return {
        "mode": "general",
        "general_chat_id": str(general.chat_id),
        "general_chat_label": general.chat.label,
        "general_chat_sequence": general.sequence,
        "paused": [str(chat_id) for chat_id in paused],
    }


def start_general_chat(*, principal: Principal) -> GeneralChatSession:
    """A new general chat with the next number."""
    with txn():
        number = registry.next_general_sequence(principal=principal)
        label = f"General Chat #{number}"
        chat = sessions.create_chat(principal=principal, kind=ChatSession.Kind.GENERAL, title=label, open_tab=False)
        general = GeneralChatSession.objects.create(
            app_id=principal.app_id, user_id=principal.user_id, chat=chat, sequence=number, label=label
        )
        sessions.emit(chat)
    return general


def submit_message(
    principal: Principal, chat: ChatSession, text: str, input_request_id: UUID | None, on_busy: str | None
) -> Submission:
    """A question to Ask Mozaiks, in a locked general chat."""
    if input_request_id is not None:
        raise NotFound("No such input request.")
    metrics.check_budget(app_id=chat.app_id, user_id=chat.owner_id)
    if workflows.get_unfinished_run(chat.pk) is not None or chat.run_state == ChatSession.RunState.PAUSED:
        return workflow_services.queue_or_reject(principal=principal, chat=chat, text=text, policy=on_busy or "queue")
    active = selectors.get_session(principal=principal).active_chat_id
    said = Said(
        source="user",
        message_id=uuid4(),
        role="user",
        content=clean_text(text),
        metadata={"asked_from": str(active)} if active else None,
    )
    run = runs.queue_run(chat, cause=Run.Cause.MESSAGE, before=(said,))
    return Submission(status="accepted", seq=chat.last_seq - 1, run_id=run.pk)


def _find(principal: Principal, named: UUID | None, current: UUID | None) -> GeneralChatSession | None:
    mine = GeneralChatSession.objects.select_related("chat").filter(
        app_id=principal.app_id, user_id=principal.user_id, chat__deleted_at=None
    )
    if named is not None:
        found = mine.filter(chat_id=named).first()
        if found is None:
            raise NotFound("No such general chat.")
        return found
    return mine.filter(chat_id=current).first() if current else None
