"""What the engine's timers do: expire questions, purge deleted chats, forget old claims."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from sessions_app import services as sessions
from sessions_app.models import CommandClaim

from . import services


def expire_inputs() -> int:
    """Carry out the declared effect of every question whose time is over."""
    return services.expire_inputs()


def purge_deleted() -> int:
    """Remove chats that were deleted a while ago."""
    return sessions.purge_deleted()


def forget_claims() -> int:
    """Remove command claims older than 30 days: nobody repeats those."""
    return CommandClaim.objects.filter(created_at__lt=timezone.now() - timedelta(days=30)).delete()[0]


JOBS = ((5.0, expire_inputs), (10.0, purge_deleted), (3600.0, forget_claims))
