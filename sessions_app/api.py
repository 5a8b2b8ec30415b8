"""REST about chats as such: transcripts' rows, the mixed timeline, deletion, usage (PROTOCOL section 6)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from mozaiks.accounts.rest import principal_of
from mozaiks.openapi import operation
from mozaiks.paging import Query, read_query
from mozaiks.paths import parse_id
from mozaiks.protocol.errors import Forbidden
from mozaiks.protocol.shapes import Shape, UsageTotals

from . import selectors, services, transcripts
from .models import ChatSession


class TranscriptRow(Shape):
    """One event of a log. What a message says stands beside its ``data`` too; null for an event that is no message."""

    type: str
    chat_id: UUID
    epoch: UUID
    seq: int
    event_id: UUID
    timestamp: str
    source: Literal["user", "agent", "general_agent", "tool", "system"]
    data: dict[str, Any]
    role: Literal["user", "assistant", "system"] | None
    agent: str | None
    content: str | None
    visible: bool | None = Field(description="False for a hidden message, which no page shows (B58).")


class Timeline(Shape):
    """A page of the mixed transcript."""

    messages: list[TranscriptRow]
    events: list[TranscriptRow]
    next_cursor: str | None


class DayUsage(Shape):
    """Sums of one day (UTC)."""

    day: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: str | None
    calls: int


class Usage(Shape):
    """The user's sums in this app: in all and by day."""

    totals: UsageTotals
    by_day: list[DayUsage]


class TranscriptQuery(Query):
    after_sequence: int = Field(default=0, ge=0, le=2**53, description="Only what comes after this `seq`.")
    limit: int | None = Field(default=None, ge=1, le=2000, description="At most so many events; 200 for JSON.")
    format: Literal["json", "markdown"] = Field(default="json", description="Markdown holds the visible conversation.")


class TimelineQuery(Query):
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=200, ge=1, le=2000)


class AnyFormat(DefaultContentNegotiation):
    """Leaves ``?format=`` to the view: it chooses a body, not one of the renderers."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


def transcript_response(
    *, chat: ChatSession, session: dict[str, Any], query: TranscriptQuery
) -> HttpResponse | Response:
    """A chat's transcript as the query asks for it."""
    if query.format == "markdown":
        page = transcripts.read_transcript(chat=chat, after=query.after_sequence, limit=query.limit)
        text = transcripts.as_markdown(title=chat.label, events=page["events"])
        return HttpResponse(text, content_type="text/markdown; charset=utf-8")
    page = transcripts.read_transcript(chat=chat, after=query.after_sequence, limit=query.limit or 200)
    return Response({"session": session, **page})


class Chats(ViewSet):
    """Chats of both kinds."""

    @operation("chats_delete", None, status=204, refusals=(403, 404))
    def destroy(self, request: Request, app_id: str, chat_id: str) -> Response:
        """Delete a chat: hidden at once, its run ends, its rows go soon; the ledger's totals stay."""
        principal = principal_of(request, app_id)
        chat = selectors.get_chat(principal=principal, chat_id=parse_id(chat_id))
        if not principal.can_write:
            raise Forbidden("A viewer of this app can read but not do this.")
        services.delete_chat(principal=principal, chat_id=chat.pk)
        return Response(status=204)

    @operation("timeline", Timeline, query=TimelineQuery)
    def timeline(self, request: Request, app_id: str, user_id: str) -> Response:
        """The mixed transcript of all the user's chats, in the order it was stored (A40)."""
        principal = principal_of(request, app_id, user_id)
        query = read_query(TimelineQuery, request)
        return Response(transcripts.read_timeline(principal=principal, cursor=query.cursor, limit=query.limit))

    @operation("usage", Usage)
    def usage(self, request: Request, app_id: str) -> Response:
        """The user's tokens and cost in this app, in all and by day (UTC)."""
        return Response(selectors.usage_by_day(principal=principal_of(request, app_id)))
