"""Workflow sessions, runs, turns and what they wait for; the database holds the invariants of laws 6 and 7."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from mozaiks.accounts.models import TenantModel
from sessions_app.models import ChatSession


class FrozenDefinition(TenantModel):
    """The declarative part of a workflow as some chat started with it, stored once per content hash."""

    name = models.CharField(max_length=100)
    hash = models.CharField(max_length=64)
    folder = models.CharField(max_length=500, help_text="Where its Python lives.")
    declarative = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "hash"], name="one_definition_per_hash")]

    def __str__(self) -> str:
        return f"{self.name} {self.hash[:8]}"


class WorkflowSession(TenantModel):
    """The workflow side of a chat: its definition, where its route stands, its variables (B34)."""

    chat = models.OneToOneField(ChatSession, on_delete=models.CASCADE, related_name="workflow_session")
    workflow_name = models.CharField(max_length=100)
    definition = models.ForeignKey(FrozenDefinition, on_delete=models.PROTECT, related_name="sessions")
    cache_seed = models.PositiveIntegerField()
    artifact_instance_id = models.UUIDField(null=True, blank=True)
    variables = models.JSONField(default=dict)
    # What the route decides from, besides the variables: committed with the turn or answer it describes.
    route_last = models.CharField(max_length=100, blank=True)
    route_entry = models.CharField(max_length=10, default="start")
    route_output = models.JSONField(null=True)
    route_answer = models.JSONField(null=True)
    turn_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.workflow_name} {self.chat_id}"


class Run(TenantModel):
    """The engine at work on a chat, from one cause until it is completed, cancelled or failed."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"
        PAUSED = "paused"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    class Cause(models.TextChoices):
        START = "start"
        MESSAGE = "message"
        RETRY = "retry"

    UNFINISHED = (Status.QUEUED, Status.RUNNING, Status.WAITING, Status.PAUSED)

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="runs")
    cause = models.CharField(max_length=10, choices=Cause.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    fence = models.PositiveIntegerField(default=0, help_text="Raised by each execution; older writes are refused.")
    pause_requested = models.CharField(max_length=20, blank=True, help_text="Why to stop at the next safe point.")
    turns = models.PositiveIntegerField(default=0)
    stalled = models.PositiveIntegerField(default=0, help_text="Executions since the last committed step.")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # A chat has one writer; the database says so, not the code (law 6).
            models.UniqueConstraint(
                fields=["chat"],
                condition=models.Q(status__in=["queued", "running", "waiting", "paused"]),
                name="one_unfinished_run_per_chat",
            ),
        ]
        indexes = [models.Index(fields=["status"], name="run_by_status")]

    def __str__(self) -> str:
        return f"{self.cause} run, {self.status}"


class Turn(TenantModel):
    """One agent speaking once, numbered per chat."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="turns")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    agent = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    input = models.TextField()
    stream_id = models.UUIDField(help_text="uuid5(chat, agent): the agent's memory in this chat.")
    start = models.PositiveIntegerField(help_text="Index in the stream where this turn's events begin.")
    after_seq = models.PositiveBigIntegerField(help_text="The log's head when the turn was made.")
    text = models.TextField(blank=True)
    output = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat", "number"], name="one_turn_per_number")]

    def __str__(self) -> str:
        return f"turn {self.number} of {self.agent}"


class StoredEvent(TenantModel):
    """An AG2 event in our closed codec: what an agent remembers."""

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="+")
    stream_id = models.UUIDField()
    index = models.PositiveIntegerField()
    payload = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream_id", "index"], name="one_event_per_index")]
        ordering = ["stream_id", "index"]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.index}"


class InputRequest(TenantModel):
    """A question, approval or form that a run waits for; answered once, by any process (law 8)."""

    class Status(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="input_requests")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="input_requests")
    name = models.CharField(max_length=100, blank=True, help_text="The definition's human point.")
    tool_call_id = models.CharField(max_length=200, blank=True, help_text="The parked tool call it decides on.")
    turn = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=10)
    prompt = models.TextField()
    schema = models.JSONField(null=True)
    options = models.JSONField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    response = models.JSONField(null=True)
    by = models.CharField(max_length=150, blank=True)
    arguments_hash = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    on_expiry = models.CharField(max_length=10, blank=True)
    default = models.JSONField(null=True)
    seq = models.PositiveBigIntegerField(help_text="Number of its event in the log.")
    created_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["chat", "status"], name="input_by_chat"),
            models.Index(fields=["status", "expires_at"], name="input_by_expiry"),
        ]

    def __str__(self) -> str:
        return self.prompt[:60]


class ToolAttempt(TenantModel):
    """A tool that is not idempotent began under this key; without a stored result its outcome is unknown (law 7)."""

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="+")
    turn = models.PositiveIntegerField()
    tool_call_id = models.CharField(max_length=200)
    begun_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chat", "turn", "tool_call_id"], name="one_attempt_per_tool_call")
        ]

    def __str__(self) -> str:
        return self.tool_call_id
