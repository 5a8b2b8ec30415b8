"""Sign-in: tokens, tickets, principals. Secrets are random, compared by hash, and shown once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth import authenticate
from django.utils import timezone

from mozaiks.db import txn
from mozaiks.protocol.errors import Conflict, Forbidden, NotFound

from .models import ApiToken, App, Membership, Ticket, User
from .principal import Principal

SOCKET_TICKET_SECONDS = 60
LOGIN_LINK_SECONDS = 30 * 60


def find_principal(*, user: User, app_slug: str) -> Principal:
    """The user as a member of the app, or ``Forbidden``; a missing app looks the same."""
    membership = (
        Membership.objects.select_related("app")
        .filter(app__slug=app_slug, user_id=user.pk, user__is_active=True)
        .first()
    )
    if membership is None:
        raise Forbidden("You are not a member of this app.")
    return Principal(
        app_id=membership.app.pk,
        app_slug=membership.app.slug,
        user_id=user.pk,
        username=user.get_username(),
        role=membership.role,
        is_staff=user.is_staff,
    )


def current_role(principal: Principal) -> str | None:
    """The role the principal has in the app now; None where it is no active member any more (S4)."""
    return (
        Membership.objects.filter(app_id=principal.app_id, user_id=principal.user_id, user__is_active=True)
        .values_list("role", flat=True)
        .first()
    )


def issue_token(*, user: User, app_slug: str) -> str:
    """A new bearer token of the user in the app, or ``Forbidden``."""
    principal = find_principal(user=user, app_slug=app_slug)
    raw = "mzk_" + secrets.token_urlsafe(32)
    ApiToken.objects.create(app_id=principal.app_id, user=user, hash=_hash(raw))
    return raw


def token_user(raw: str) -> tuple[User, App] | None:
    """Whose token ``raw`` is and of which app; None where it is unknown, revoked, or its user inactive."""
    token = (
        ApiToken.objects.select_related("user", "app")
        .filter(hash=_hash(raw), revoked_at=None, user__is_active=True)
        .first()
    )
    return (token.user, token.app) if token else None


def check_password(*, username: str, password: str) -> User | None:
    """The user with this password, or None."""
    user = authenticate(username=username, password=password)
    return user if isinstance(user, User) else None


def issue_ticket(*, principal: Principal, purpose: Ticket.Purpose = Ticket.Purpose.SOCKET) -> str:
    """A ticket for one use: 60 s for a socket, 30 min for a sign-in link."""
    raw = secrets.token_urlsafe(32)
    seconds = SOCKET_TICKET_SECONDS if purpose == Ticket.Purpose.SOCKET else LOGIN_LINK_SECONDS
    Ticket.objects.filter(expires_at__lt=timezone.now()).delete()
    Ticket.objects.create(
        app_id=principal.app_id,
        user_id=principal.user_id,
        purpose=purpose,
        hash=_hash(raw),
        expires_at=timezone.now() + timedelta(seconds=seconds),
    )
    return raw


def redeem_ticket(raw: str, *, purpose: Ticket.Purpose = Ticket.Purpose.SOCKET) -> tuple[User, App] | None:
    """Whose ticket ``raw`` is; it is gone afterwards. None where it is unknown, used or expired."""
    with txn():
        ticket = (
            Ticket.objects.select_related("user", "app")
            .filter(hash=_hash(raw), purpose=purpose, expires_at__gt=timezone.now(), user__is_active=True)
            .first()
        )
        # The delete decides: of two that come at once, one removes the row.
        if ticket is None or Ticket.objects.filter(pk=ticket.pk).delete()[0] != 1:
            return None
    return ticket.user, ticket.app


def make_app(*, slug: str, name: str) -> App:
    """The app with this slug, made where it is missing."""
    if slug in App.RESERVED_SLUGS:
        raise Conflict(f"{slug!r} is a reserved word and cannot name an app.")
    return App.objects.get_or_create(slug=slug, defaults={"name": name})[0]


def make_member(*, app: App, username: str, role: str = Membership.Role.MEMBER) -> tuple[User, bool]:
    """The user with this name as a member of the app, both made where missing; whether the user is new."""
    with txn():
        user, created = User.objects.get_or_create(username=username)
        if created:
            user.set_unusable_password()
            user.save()
        Membership.objects.get_or_create(app=app, user=user, defaults={"role": role})
    return user, created


def find_user(username: str) -> User:
    """The user with this name, or ``NotFound``."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound(f"There is no user {username!r}.")
    return user


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()
