"""Artifacts to read in the admin: their versions are the record."""

from __future__ import annotations

import json

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import selectors
from .models import ArtifactInstance


@admin.register(ArtifactInstance)
class ArtifactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Artifacts, newest first, with their newest state."""

    list_display = ["__str__", "artifact_type", "workflow_name", "owner", "app", "version", "size", "last_updated_at"]
    list_filter = ["app", "artifact_type", "workflow_name"]
    list_select_related = ["owner", "app"]
    search_fields = ["=id", "title", "artifact_type", "owner__username"]
    ordering = ["-last_updated_at"]
    readonly_fields = ["newest_state"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ArtifactInstance | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ArtifactInstance | None = None) -> bool:
        return False

    @admin.display(description="Newest state")
    def newest_state(self, artifact: ArtifactInstance) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(selectors.get_state(artifact), indent=2, ensure_ascii=False))
