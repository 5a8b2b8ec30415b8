"""Who there is: users, apps (tenants), memberships, and the secrets that sign a client in, kept as hashes."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from mozaiks.db import UUIDModel


class User(AbstractUser):
    """A person; ``user_id`` on the wire is the username."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, db_column="_id")


class App(UUIDModel):
    """A tenant; ``app_id`` on the wire is the slug. Everything belongs to exactly one."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    settings = models.JSONField(default=dict, blank=True, help_text="Switches of this app, read by workflow guards.")

    RESERVED_SLUGS = frozenset({"meta", "exists", "transcript", "timeline"})

    def __str__(self) -> str:
        return self.slug


class TenantModel(UUIDModel):
    """A row that belongs to one app, from its first migration (law 11)."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="+")

    class Meta:
        abstract = True


class Membership(TenantModel):
    """A user's place in an app."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MEMBER = "member"
        VIEWER = "viewer"

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "user"], name="one_membership_per_app_and_user")]

    def __str__(self) -> str:
        return f"{self.user} in {self.app} ({self.role})"


class ApiToken(TenantModel):
    """A bearer token of one user in one app; only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"token of {self.user} made {self.created_at:%Y-%m-%d}"


class Ticket(TenantModel):
    """A secret for one use within a short time: to open a socket, or to sign in from the link that ``serve`` prints."""

    class Purpose(models.TextChoices):
        SOCKET = "socket"
        LOGIN = "login"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tickets")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.purpose} ticket of {self.user}"
