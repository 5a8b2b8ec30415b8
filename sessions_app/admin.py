"""Chats and the ledger in the admin: the log is the record, so everything is to read and nothing to edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mozaiks.accounts.record_admin import OfVisibleApps, RecordAdmin, as_json

from . import selectors, totals
from .models import ChatSession, LoggedEvent, ModelCall

SHOWN = 200
"""Events of a chat that its page shows, the newest."""


@admin.register(ChatSession)
class ChatAdmin(RecordAdmin):
    """Transcripts to read, never to edit."""

    list_display = ["__str__", "owner", "app", "kind", "status", "run_state", "last_seq", "last_updated_at"]
    list_filter = [("app", OfVisibleApps), "kind", "status", "run_state", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["owner", "app"]
    search_fields = ["=id", "title", "workflow_name", "owner__username"]
    search_help_text = "A chat's id, or words of its title, its workflow or its owner."
    ordering = ["-last_updated_at"]
    fields = [
        "app", "owner", "kind", "title", "workflow_name", "status", "run_state", "pause_reason", "waiting",
        "created_at", "last_updated_at", "archived_at", "deleted_at", "epoch", "min_seq", "last_seq", "digest",
        "usage", "shown_artifact", "transcript",
    ]  # fmt: skip
    readonly_fields = ["usage", "shown_artifact", "transcript"]

    @admin.display(description="Usage")
    def usage(self, chat: ChatSession) -> str:
        sums = selectors.chat_usage(chat_id=chat.pk)
        cost = f", cost {sums['cost']}" if sums["cost"] is not None else ""
        return f"{sums['total_tokens']} tokens in {sums['calls']} calls ({sums['unknown_calls']} unknown){cost}"

    @admin.display(description="Newest artifact")
    def shown_artifact(self, chat: ChatSession) -> SafeString:
        return as_json(chat.last_artifact)

    @admin.display(description=f"Transcript (the last {SHOWN} events)")
    def transcript(self, chat: ChatSession) -> SafeString:
        events = selectors.list_events(chat_id=chat.pk, after=max(0, chat.last_seq - SHOWN), limit=SHOWN)
        rows = (
            (event.seq, selectors.stamp(event.created_at), event.source, event.type, _said(event)) for event in events
        )
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td>{}</tr>", rows)
        return format_html("<table><tbody>{}</tbody></table>", body)


@admin.register(ModelCall)
class LedgerAdmin(RecordAdmin):
    """One row per model call; totals by day, workflow and model on a page of their own (A50, A51)."""

    list_display = [
        "opened_at", "app", "user", "kind", "workflow_name", "agent", "model", "status",
        "prompt_tokens", "completion_tokens", "cost", "attempt",
    ]  # fmt: skip
    list_filter = [("app", OfVisibleApps), "opened_at", "status", "kind", "workflow_name", "model"]
    list_select_related = ["user", "app"]
    search_fields = ["=id", "=chat_id", "=run_id", "user__username", "agent"]
    search_help_text = "The id of a row, a chat or a run, or words of the user or the agent."
    date_hierarchy = "opened_at"
    ordering = ["-opened_at"]
    change_list_template = "admin/ledger_list.html"

    def get_urls(self) -> list[URLPattern]:
        own = path("totals/", self.admin_site.admin_view(self.totals), name="sessions_app_modelcall_totals")
        return [own, *super().get_urls()]

    def totals(self, request: HttpRequest) -> HttpResponse:
        """Sums over the ledger rows that the signed-in staff member may see, by day, workflow and model."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        calls = self.get_queryset(request)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Ledger totals",
            "opts": self.model._meta,
            "sum": selectors.sum_usage(calls),
            "tables": totals.list_tables(calls),
        }
        return TemplateResponse(request, "admin/ledger_totals.html", context)


def _said(event: LoggedEvent) -> SafeString:
    if event.type != "chat.text":
        return format_html("<td>{}</td>", as_json(event.payload))
    hidden = "" if event.payload.get("visible", True) else " (hidden)"
    who = f"{event.payload.get('agent') or event.payload.get('role')}{hidden}"
    return format_html("<td><strong>{}</strong><br>{}</td>", who, event.payload.get("content", ""))
