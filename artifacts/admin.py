"""Artifacts to read in the admin: their versions are the record."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from mozaiks.accounts.record_admin import OfVisibleApps, RecordAdmin, as_json
from sessions_app.selectors import stamp

from . import selectors
from .models import ArtifactInstance, ArtifactVersion

VERSIONS = 50
"""Versions that an artifact's page lists, the newest."""


@admin.register(ArtifactInstance)
class ArtifactAdmin(RecordAdmin):
    """Artifacts, newest first, with their newest state and who made which version."""

    list_display = ["__str__", "artifact_type", "workflow_name", "owner", "app", "version", "size", "last_updated_at"]
    list_filter = [("app", OfVisibleApps), "artifact_type", "workflow_name"]
    list_select_related = ["owner", "app"]
    search_fields = ["=id", "title", "artifact_type", "owner__username"]
    ordering = ["-last_updated_at"]
    readonly_fields = ["newest_state", "versions_made"]

    @admin.display(description="Newest state")
    def newest_state(self, artifact: ArtifactInstance) -> SafeString:
        return as_json(selectors.get_state(artifact))

    @admin.display(description=f"Versions (the last {VERSIONS})")
    def versions_made(self, artifact: ArtifactInstance) -> SafeString:
        made = ArtifactVersion.objects.filter(artifact=artifact).defer("state").order_by("-number")[:VERSIONS]
        rows = ((version.number, version.author, stamp(version.created_at), version.size) for version in made)
        return format_html_join("", "<p><b>{}</b> by {}, {}, {} bytes</p>", rows)
