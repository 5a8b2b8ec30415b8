"""The tables under everything: a user's session, chats, their log, claimed commands, queued messages, the ledger.

The log is the truth (law 1); the columns of a chat that repeat what the log or upper apps know are projections, written
in the transaction of the event they repeat.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from mozaiks.accounts.models import TenantModel


class UserSession(TenantModel):
    """One user's session in one app: mode, active chat, tab strip; the row SessionRegistry reads and locks first."""

    class Mode(models.TextChoices):
        WORKFLOW = "workflow"
        GENERAL = "general"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.WORKFLOW)
    active_chat_id = models.UUIDField(null=True, blank=True)
    general_chat_id = models.UUIDField(null=True, blank=True)
    tabs = models.JSONField(default=list, help_text="Ids of the open tabs, in the strip's order.")
    version = models.PositiveBigIntegerField(default=0, help_text="Raised by every change a client can see.")
    position = models.PositiveBigIntegerField(default=0, help_text="Counter of this user's events over all chats.")
    general_sequence = models.PositiveIntegerField(default=0, help_text="Number of the newest general chat.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "user"], name="one_session_per_app_and_user")]

    def __str__(self) -> str:
        return f"session of {self.user}"


class ChatSession(TenantModel):
    """A conversation with a log, of kind ``workflow`` or ``general``."""

    class Kind(models.TextChoices):
        WORKFLOW = "workflow"
        GENERAL = "general"

    class Status(models.TextChoices):
        IN_PROGRESS = "IN_PROGRESS"
        COMPLETED = "COMPLETED"
        FAILED = "FAILED"

    class RunState(models.TextChoices):
        IDLE = "idle"
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"
        PAUSING = "pausing"
        PAUSED = "paused"
        FAILED = "failed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chats")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.IN_PROGRESS)
    title = models.CharField(max_length=200, blank=True)

    epoch = models.UUIDField(default=uuid.uuid4, help_text="Changes only when the log is restored or rewritten.")
    last_seq = models.PositiveBigIntegerField(default=0)
    min_seq = models.PositiveBigIntegerField(default=1, help_text="The oldest event kept.")
    digest = models.CharField(max_length=64, help_text="Chained digest at last_seq.")
    seen_seq = models.PositiveBigIntegerField(default=0, help_text="How far the owner has read.")

    created_at = models.DateTimeField(default=timezone.now)
    last_updated_at = models.DateTimeField(default=timezone.now, help_text="Never goes back (B71, B72).")
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Hidden at once, purged later.")
    last_artifact = models.JSONField(null=True, blank=True, help_text="Newest artifact event of the chat (B11, B15).")

    # Projections, written by the upper apps through services.emit and services.project.
    workflow_name = models.CharField(max_length=100, blank=True)
    run_state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.IDLE)
    pause_reason = models.CharField(max_length=20, blank=True)
    waiting = models.PositiveIntegerField(default=0, help_text="Open input requests.")
    artifact_id = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["app", "owner", "kind", "created_at"], name="chat_by_owner"),
            models.Index(fields=["deleted_at"], name="chat_by_deletion"),
        ]
        verbose_name = "chat"

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """What a tab or a list calls the chat."""
        return self.title or self.workflow_name or "Chat"


class LoggedEvent(TenantModel):
    """One numbered entry of a chat's log; append-only."""

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="events")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seq = models.PositiveBigIntegerField()
    position = models.PositiveBigIntegerField(help_text="Order over all chats of the owner.")
    event_id = models.UUIDField(default=uuid.uuid4)
    digest = models.CharField(max_length=64)
    type = models.CharField(max_length=40)
    source = models.CharField(max_length=20)
    payload = models.JSONField()
    unread = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chat", "seq"], name="one_event_per_number"),
            # The timeline of a user has one order (D1); the index is what makes reading it page by page cheap.
            models.UniqueConstraint(fields=["app", "owner", "position"], name="one_event_per_position"),
        ]
        indexes = [models.Index(fields=["chat", "unread", "seq"], name="event_unread")]
        ordering = ["chat", "seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"


class CommandClaim(TenantModel):
    """A command that was carried out or refused for good, with its answer (law 4)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    command_id = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    ok = models.BooleanField(default=True)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        # A command counts once, whichever socket or process brings it.
        constraints = [models.UniqueConstraint(fields=["app", "user", "command_id"], name="one_claim_per_command")]

    def __str__(self) -> str:
        return self.command_id


class QueuedMessage(TenantModel):
    """A message that came while its chat was busy; it is in no log until the chat takes it."""

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="queue")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()
    place = models.PositiveBigIntegerField(help_text="Order within the chat.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat", "place"], name="one_message_per_place")]

    def __str__(self) -> str:
        return self.text[:60]


class ModelCall(TenantModel):
    """The ledger: one row per model call, written as ``open`` before the call and closed once (law 9).

    Chat and run are plain ids, so that totals stay when a chat is purged.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        FAILED = "failed"
        ABORTED = "aborted"
        UNKNOWN = "unknown"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    chat_id = models.UUIDField(db_index=True)
    run_id = models.UUIDField(db_index=True)
    fence = models.PositiveIntegerField(default=0, help_text="Which execution of the run made the call.")
    message_id = models.UUIDField()
    attempt = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=10, choices=ChatSession.Kind.choices)
    workflow_name = models.CharField(max_length=100, blank=True)
    agent = models.CharField(max_length=100)
    entry = models.CharField(max_length=100, help_text="The entry of LLM_CONFIG_LIST.")
    model = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    # Null, not zero, where the figure is not known.
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["app", "user", "opened_at"], name="call_by_user_and_day"),
            models.Index(fields=["status"], name="call_by_status"),
        ]
        verbose_name = "ledger row"

    def __str__(self) -> str:
        return f"{self.agent} {self.model} {self.status}"
