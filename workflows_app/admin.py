"""Runs, questions, frozen definitions and workflow sessions in the admin: to read, never to edit."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from mozaiks.accounts.record_admin import OfVisibleApps, RecordAdmin, as_json

from .models import FrozenDefinition, InputRequest, Run, Turn, WorkflowSession


@admin.register(Run)
class RunAdmin(RecordAdmin):
    """What the engine did: each run from its cause to its end, with the turns it made."""

    list_display = [
        "chat",
        "app",
        "cause",
        "status",
        "fence",
        "turns",
        "stalled",
        "reason",
        "created_at",
        "finished_at",
    ]
    list_filter = [("app", OfVisibleApps), "status", "cause", "created_at"]
    list_select_related = ["chat", "app"]
    search_fields = ["=id", "=chat__id", "chat__workflow_name", "chat__owner__username"]
    search_help_text = "The id of a run or a chat, or words of the workflow or the owner."
    ordering = ["-created_at"]
    readonly_fields = ["turns_made"]

    @admin.display(description="Turns made")
    def turns_made(self, run: Run) -> SafeString:
        made = Turn.objects.filter(run=run).order_by("number")
        rows = ((turn.number, turn.agent, turn.status, turn.text) for turn in made)
        return format_html_join("", "<p><b>{} {}</b> ({})<br>{}</p>", rows)


@admin.register(InputRequest)
class InputRequestAdmin(RecordAdmin):
    """What runs asked of people, and who answered what."""

    list_display = ["__str__", "chat", "app", "kind", "status", "by", "created_at", "expires_at", "resolved_at"]
    list_filter = [("app", OfVisibleApps), "status", "kind"]
    list_select_related = ["chat", "app"]
    search_fields = ["=id", "=chat__id", "prompt", "by"]
    ordering = ["-created_at"]


@admin.register(FrozenDefinition)
class FrozenDefinitionAdmin(RecordAdmin):
    """The declarative parts that chats started with, one per content hash."""

    list_display = ["name", "hash", "app", "folder", "created_at"]
    list_filter = [("app", OfVisibleApps), "name"]
    list_select_related = ["app"]
    search_fields = ["name", "hash"]
    ordering = ["name", "-created_at"]
    exclude = ["declarative"]
    readonly_fields = ["content"]

    @admin.display(description="Declarative part")
    def content(self, frozen: FrozenDefinition) -> SafeString:
        return as_json(frozen.declarative)


@admin.register(WorkflowSession)
class WorkflowSessionAdmin(RecordAdmin):
    """Where each workflow chat stands: its definition, route, variables and artifact."""

    list_display = ["workflow_name", "chat", "app", "definition", "turn_count", "route_last", "artifact_instance_id"]
    list_filter = [("app", OfVisibleApps), "workflow_name"]
    list_select_related = ["chat", "app", "definition"]
    search_fields = ["=id", "=chat__id", "workflow_name", "chat__owner__username"]
    ordering = ["-chat__created_at"]
