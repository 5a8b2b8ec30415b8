"""ArtifactInstances, their versions, and the bindings that say which chat shows which (B9, B19, B32)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from mozaiks.accounts.models import TenantModel
from sessions_app.models import ChatSession


class ArtifactInstance(TenantModel):
    """A versioned object; its states are in ``ArtifactVersion``, so lists never load them."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="artifacts", null=True)
    workflow_name = models.CharField(max_length=100)
    artifact_type = models.CharField(max_length=100)
    title = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=0, help_text="The newest version.")
    content_hash = models.CharField(max_length=64, blank=True, help_text="Of the newest version's canonical JSON.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the newest version's JSON.")
    last_active_chat_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["app", "owner", "artifact_type", "last_updated_at"], name="artifact_by_type")]
        verbose_name = "artifact"

    def __str__(self) -> str:
        return self.title or self.artifact_type


class ArtifactVersion(TenantModel):
    """One state of an artifact; append-only."""

    artifact = models.ForeignKey(ArtifactInstance, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.JSONField()
    content_hash = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    author = models.CharField(max_length=150, help_text="The agent or user who made it.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["artifact", "number"], name="one_state_per_version")]
        ordering = ["artifact", "number"]

    def __str__(self) -> str:
        return f"version {self.number}"


class ArtifactBinding(TenantModel):
    """A chat shows an artifact; the newest binding of a chat is what its panel shows."""

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="bindings")
    artifact = models.ForeignKey(ArtifactInstance, on_delete=models.CASCADE, related_name="bindings")
    bound_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat", "artifact"], name="one_binding_per_chat_and_artifact")]

    def __str__(self) -> str:
        return f"{self.artifact} in {self.chat}"
