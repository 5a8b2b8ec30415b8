"""REST about workflows: what may be started, starting, messages, meta, lists and transcripts (PROTOCOL section 6)."""

from __future__ import annotations

import logging
import uuid
from typing import Literal
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from pydantic import Field, RootModel
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from mozaiks.accounts.rest import principal_of
from mozaiks.gateway import direct
from mozaiks.openapi import Refusal, operation
from mozaiks.paging import Query, read_query
from mozaiks.paths import parse_id
from mozaiks.protocol.errors import Internal, NotFound
from mozaiks.protocol.shapes import ChatMetaBody, LastArtifact, RunState, Shape, Status
from mozaiks.rest import Body, read_body
from sessions_app import selectors as sessions
from sessions_app import transcripts
from sessions_app.api import AnyFormat, TranscriptQuery, TranscriptRow, transcript_response
from sessions_app.models import ChatSession

from . import guards, selectors, services

log = logging.getLogger("mozaiks.workflows")

CommandId = Field(
    default=None, min_length=1, max_length=64, description="A repeat with the same id and body gets the first answer."
)


class NoChat(Shape):
    """There is no such chat of yours."""

    exists: Literal[False] = False


class MetaAnswer(RootModel[ChatMetaBody | NoChat]):
    """The chat's meta, or that there is none."""


class Exists(Shape):
    """Whether there is such a chat of yours."""

    exists: bool


class SessionRow(Shape):
    """A workflow chat in a list (B61, B73)."""

    chat_id: UUID
    workflow_name: str
    title: str
    status: Status
    run_state: RunState
    pause_reason: str | None
    waiting: int
    last_seq: int
    created_at: str
    last_updated_at: str
    last_artifact: LastArtifact | None
    artifact_instance_id: UUID | None


class Sessions(Shape):
    """A page of workflow chats; ``count`` of this page, ``total`` of all."""

    sessions: list[SessionRow]
    count: int
    total: int
    default_chat_id: UUID | None = Field(description="The oldest IN_PROGRESS workflow chat (B65).")
    next_cursor: str | None


class WorkflowTranscript(Shape):
    """A page of a workflow chat's log."""

    session: SessionRow
    messages: list[TranscriptRow]
    events: list[TranscriptRow]
    next_after: int | None


class Started(Shape):
    """A workflow chat that was started; ``reused`` where ``client_request_id`` had started it before."""

    chat_id: UUID
    workflow_name: str
    cache_seed: int
    run_id: UUID | None
    websocket_url: str
    reused: bool


class Submitted(Shape):
    """What became of a message; ``seq`` is its number in the log, which a queued one does not have yet."""

    chat_id: UUID
    status: Literal["accepted", "queued", "answered"]
    seq: int | None = None
    run_id: UUID | None = None
    queued_id: UUID | None = None
    reused: bool


class Requirement(Shape):
    """A prerequisite of a workflow."""

    kind: Literal["workflow", "artifact", "role", "setting"]
    value: str


class AvailableWorkflow(Shape):
    """A workflow, whether the user may start it, and if not, why."""

    workflow_name: str
    description: str
    available: bool
    reason: str | None
    required: list[Requirement]
    prompts_to_try: list[str]
    expected_minutes: float | None
    starts_by: Literal["user", "agent"]


class Available(Shape):
    """Every workflow of this server."""

    workflows: list[AvailableWorkflow]


class StartBody(Body):
    message: str | None = Field(default=None, max_length=services.MESSAGE_LIMIT)
    title: str | None = Field(default=None, max_length=200)
    activate: bool = Field(default=True, description="Make it the active chat and leave general mode.")
    client_request_id: str | None = CommandId


class MessageBody(Body):
    text: str = Field(min_length=1, max_length=services.MESSAGE_LIMIT)
    input_request_id: UUID | None = Field(default=None, description="The question that this answers.")
    on_busy: Literal["queue", "reject"] | None = Field(default=None, description="Default: the workflow's policy.")
    client_request_id: str | None = CommandId


class SessionsQuery(Query):
    status: Status = "IN_PROGRESS"
    order: Literal["oldest", "recent"] = Field(default="oldest", description="`recent`: newest-updated first.")
    limit: int = Field(default=1000, ge=1, le=1000)
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")


class WorkflowChats(ViewSet):
    """Workflow chats: start, messages, meta, list."""

    @operation(
        "chats_meta",
        MetaAnswer,
        refusals=(),
        also={500: OpenApiResponse(Refusal, "Failed to load chat meta.")},
    )
    def meta(self, request: Request, app_id: str, workflow_name: str, chat_id: str) -> Response:
        """What a client needs to show a chat (B16-B39); `{"exists": false}` where it is not there or not yours."""
        try:
            principal = principal_of(request, app_id)
            meta = selectors.chat_meta(principal, parse_id(chat_id))
        except NotFound:
            return Response({"exists": False})
        except Exception:  # B39 asks for this sentence whatever failed, a lost database included
            reference = uuid.uuid4().hex[:12]
            log.exception("chat meta failed, reference %s", reference)
            message = f"Failed to load chat meta (reference {reference})."
            return Response({"error": {"code": Internal.code, "message": message}}, status=500)
        return Response(meta if meta["workflow_name"] == workflow_name else {"exists": False})

    @operation("chats_exists", Exists, refusals=())
    def exists(self, request: Request, app_id: str, workflow_name: str, chat_id: str) -> Response:
        """Whether there is such a chat of yours."""
        try:
            principal = principal_of(request, app_id)
            chat = sessions.get_chat(principal=principal, chat_id=parse_id(chat_id))
        except NotFound:
            return Response({"exists": False})
        return Response({"exists": chat.kind == ChatSession.Kind.WORKFLOW and chat.workflow_name == workflow_name})

    @operation("sessions_list", Sessions, query=SessionsQuery)
    def list_sessions(self, request: Request, app_id: str, user_id: str) -> Response:
        """The user's workflow chats, IN_PROGRESS and oldest first unless asked otherwise (B61-B65)."""
        principal = principal_of(request, app_id, user_id)
        query = read_query(SessionsQuery, request)
        chats, cursor, total = transcripts.list_workflow_chats(
            principal=principal,
            status=query.status,
            recent=query.order == "recent",
            cursor=query.cursor,
            limit=query.limit,
        )
        default = sessions.get_default_chat_id(principal=principal)
        return Response(
            {
                "sessions": selectors.list_session_rows(chats),
                "count": len(chats),
                "total": total,
                "default_chat_id": str(default) if default else None,
                "next_cursor": cursor,
            }
        )

    @operation(
        "chats_start", Started, status=201, body=StartBody, also={200: Started}, refusals=(402, 403, 404, 409, 413, 429)
    )
    def start(self, request: Request, app_id: str, workflow_name: str) -> Response:
        """Start a workflow in a chat of its own, as the command `chat.start_workflow` does."""
        principal = principal_of(request, app_id)
        fields = read_body(StartBody, request.data).model_dump(mode="json", exclude_unset=True)
        command_id = fields.pop("client_request_id", None)
        done = direct.carry_out(principal, "chat.start_workflow", command_id, workflow_name=workflow_name, **fields)
        url = request.build_absolute_uri(f"/ws/{principal.app_slug}").replace("http", "ws", 1)
        body = {**done.data, "websocket_url": url, "reused": done.duplicate}
        return Response(body, status=200 if done.duplicate else 201)

    @operation("chats_message", Submitted, body=MessageBody, refusals=(402, 403, 404, 409, 413, 429))
    def message(self, request: Request, app_id: str, chat_id: str) -> Response:
        """Send a message to a chat of either kind, as the command `user.input.submit` does."""
        principal = principal_of(request, app_id)
        pk = parse_id(chat_id)
        sessions.get_chat(principal=principal, chat_id=pk)
        fields = read_body(MessageBody, request.data).model_dump(mode="json", exclude_unset=True)
        command_id = fields.pop("client_request_id", None)
        done = direct.carry_out(principal, "user.input.submit", command_id, chat_id=str(pk), **fields)
        return Response({**done.data, "reused": done.duplicate})


class WorkflowTranscripts(ViewSet):
    """What was said in a workflow chat."""

    content_negotiation_class = AnyFormat

    @operation("chats_transcript", WorkflowTranscript, query=TranscriptQuery, also={(200, "text/markdown"): str})
    def retrieve(self, request: Request, app_id: str, chat_id: str) -> HttpResponse | Response:
        """A workflow chat's log, page by page up from `seq` 1, or as Markdown."""
        principal = principal_of(request, app_id)
        chat = sessions.get_chat(principal=principal, chat_id=parse_id(chat_id))
        if chat.kind != ChatSession.Kind.WORKFLOW:
            raise NotFound("No such workflow chat.")
        query = read_query(TranscriptQuery, request)
        (session,) = selectors.list_session_rows([chat])
        return transcript_response(chat=chat, session=session, query=query)


class Workflows(ViewSet):
    """The workflows there are."""

    @operation("workflows_available", Available)
    def available(self, request: Request, app_id: str) -> Response:
        """Every workflow with whether the user may start it and, if not, what is missing (A34)."""
        return Response({"workflows": guards.list_available(principal=principal_of(request, app_id))})
