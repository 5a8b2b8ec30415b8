"""GeneralChatSessions: Ask Mozaiks chats, numbered per user and app without gaps (A19, A20, A23)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from mozaiks.accounts.models import TenantModel
from sessions_app.models import ChatSession


class GeneralChatSession(TenantModel):
    """The general side of a chat: its number and label."""

    chat = models.OneToOneField(ChatSession, on_delete=models.CASCADE, related_name="general_session")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveIntegerField()
    label = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "user", "sequence"], name="one_general_chat_per_number")]

    def __str__(self) -> str:
        return self.label
