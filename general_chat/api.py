"""REST about Ask Mozaiks: its chats and their transcripts, without touching a workflow (A25-A28)."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from mozaiks.accounts.rest import principal_of
from mozaiks.openapi import operation
from mozaiks.paging import Query, read_query
from mozaiks.paths import parse_id
from mozaiks.protocol.shapes import RunState, Shape, Status
from sessions_app.api import AnyFormat, TranscriptQuery, TranscriptRow, transcript_response

from . import selectors


class GeneralChatRow(Shape):
    """A general chat in a list; ``sequence`` is the number in its first label, "General Chat #3"."""

    chat_id: UUID
    label: str
    sequence: int
    status: Status
    run_state: RunState
    created_at: str
    last_updated_at: str
    last_sequence: int


class GeneralChatList(Shape):
    """A page of general chats; ``count`` of this page, ``total`` of all."""

    sessions: list[GeneralChatRow]
    count: int
    total: int
    next_cursor: str | None


class GeneralTranscript(Shape):
    """A page of a general chat's log."""

    session: GeneralChatRow
    messages: list[TranscriptRow]
    events: list[TranscriptRow]
    next_after: int | None


class GeneralListQuery(Query):
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")


class GeneralChats(ViewSet):
    """The user's general chats."""

    content_negotiation_class = AnyFormat

    @operation("general_chats_list", GeneralChatList, query=GeneralListQuery)
    def list_chats(self, request: Request, app_id: str, user_id: str) -> Response:
        """The user's general chats, newest first (A25)."""
        principal = principal_of(request, app_id, user_id)
        query = read_query(GeneralListQuery, request)
        chats, cursor, total = selectors.list_general_chats(principal=principal, cursor=query.cursor, limit=query.limit)
        rows = [selectors.row(general) for general in chats]
        return Response({"sessions": rows, "count": len(rows), "total": total, "next_cursor": cursor})

    @operation("general_chats_transcript", GeneralTranscript, query=TranscriptQuery, also={(200, "text/markdown"): str})
    def transcript(self, request: Request, app_id: str, chat_id: str) -> HttpResponse | Response:
        """A general chat's log, page by page up from `seq` 1, or as Markdown (A26-A28)."""
        principal = principal_of(request, app_id)
        general = selectors.get_general_chat(principal=principal, chat_id=parse_id(chat_id))
        query = read_query(TranscriptQuery, request)
        return transcript_response(chat=general.chat, session=selectors.row(general), query=query)
