"""Ask Mozaiks chats in the admin: their numbers and labels; what was said is on the chat's own page."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mozaiks.accounts.record_admin import OfVisibleApps, RecordAdmin

from .models import GeneralChatSession


@admin.register(GeneralChatSession)
class GeneralChatAdmin(RecordAdmin):
    """General chats by number."""

    list_display = ["label", "user", "app", "sequence"]
    list_filter = [("app", OfVisibleApps)]
    list_select_related = ["user", "app"]
    search_fields = ["=id", "=chat__id", "label", "user__username"]
    ordering = ["app", "user", "-sequence"]
    readonly_fields = ["transcript"]

    @admin.display(description="Transcript")
    def transcript(self, general: GeneralChatSession) -> SafeString:
        url = reverse("admin:sessions_app_chatsession_change", args=[general.chat_id])
        return format_html('<a href="{}">{}</a>', url, general.label)
