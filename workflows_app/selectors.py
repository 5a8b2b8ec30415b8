"""Reads of workflow sessions, runs and what they wait for; missing equals forbidden (law 11)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from artifacts import selectors as artifacts
from artifacts.models import ArtifactInstance
from artifacts.services import INLINE_LIMIT
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.errors import NotFound
from sessions_app import selectors as sessions
from sessions_app.models import ChatSession

from .models import InputRequest, Run, Turn, WorkflowSession


def get_workflow_session(*, chat_id: UUID) -> WorkflowSession:
    """The workflow side of a chat, or ``NotFound``."""
    session = WorkflowSession.objects.select_related("definition", "chat").filter(chat_id=chat_id).first()
    if session is None:
        raise NotFound("No such workflow chat.")
    return session


def get_unfinished_run(chat_id: UUID) -> Run | None:
    """The chat's queued, running, waiting or paused run; at most one exists (law 6)."""
    return Run.objects.filter(chat_id=chat_id, status__in=Run.UNFINISHED).first()


def get_unfinished_turn(chat_id: UUID) -> Turn | None:
    """The turn that was begun and not ended."""
    return Turn.objects.filter(chat_id=chat_id, status=Turn.Status.RUNNING).order_by("-number").first()


def get_input_request(*, principal: Principal, input_request_id: UUID) -> InputRequest:
    """The input request of one of the principal's chats, or ``NotFound``."""
    request = InputRequest.objects.filter(
        pk=input_request_id, chat__in=sessions.list_chats(principal=principal)
    ).first()
    if request is None:
        raise NotFound("No such input request.")
    return request


def list_open_inputs(chat_id: UUID) -> list[InputRequest]:
    """The open input requests of a chat, oldest first."""
    return list(InputRequest.objects.filter(chat_id=chat_id, status=InputRequest.Status.OPEN).order_by("seq"))


def list_open_inputs_of(chat_ids: list[UUID]) -> list[InputRequest]:
    """The open input requests of several chats, oldest first within each."""
    return list(InputRequest.objects.filter(chat_id__in=chat_ids, status=InputRequest.Status.OPEN).order_by("seq"))


def list_open_input_seqs(chat_id: UUID) -> list[int]:
    """The numbers of the open input requests' events, for a client that joins later than they came."""
    return [request.seq for request in list_open_inputs(chat_id)]


def chat_meta(principal: Principal, chat_id: UUID) -> dict[str, Any]:
    """``chat_meta`` over WebSocket and REST alike (B16, B17, B24, B35, B36); ``NotFound`` for what is not yours."""
    chat = sessions.get_chat(principal=principal, chat_id=chat_id)
    session = WorkflowSession.objects.filter(chat=chat).first()
    artifact_id = session.artifact_instance_id if session else chat.artifact_id
    artifact = ArtifactInstance.objects.filter(pk=artifact_id, app_id=chat.app_id).first() if artifact_id else None
    inline = artifact is not None and artifact.size <= INLINE_LIMIT
    return {
        "exists": True,
        "chat_id": str(chat.pk),
        "workflow_name": chat.workflow_name or None,
        "cache_seed": session.cache_seed if session else None,
        "last_artifact": chat.last_artifact,
        "artifact_instance_id": str(artifact.pk) if artifact else None,
        "artifact_type": artifact.artifact_type if artifact else None,
        "artifact_state": artifacts.get_state(artifact) if artifact and inline else None,
        "artifact_state_size": artifact.size if artifact else None,
        "artifact_version": artifact.version if artifact else None,
        "status": chat.status,
        "run_state": chat.run_state,
        "run_id": _run_id(chat),
        "last_sequence": chat.last_seq,
        "queue": sessions.list_queue(chat_id=chat.pk),
    }


def list_session_rows(chats: list[ChatSession]) -> list[dict[str, Any]]:
    """Workflow chats as ``GET /api/sessions/list`` shows them (B61, B73)."""
    links = dict(WorkflowSession.objects.filter(chat__in=chats).values_list("chat_id", "artifact_instance_id"))
    return [
        {
            "chat_id": str(chat.pk),
            "workflow_name": chat.workflow_name,
            "title": chat.label,
            "status": chat.status,
            "run_state": chat.run_state,
            "pause_reason": chat.pause_reason or None,
            "waiting": chat.waiting,
            "last_seq": chat.last_seq,
            "created_at": sessions.stamp(chat.created_at),
            "last_updated_at": sessions.stamp(chat.last_updated_at),
            "last_artifact": chat.last_artifact,
            "artifact_instance_id": str(links[chat.pk]) if links.get(chat.pk) else None,
        }
        for chat in chats
    ]


def _run_id(chat: ChatSession) -> str | None:
    run = get_unfinished_run(chat.pk)
    return str(run.pk) if run else None
