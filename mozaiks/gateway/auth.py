"""Who opens a socket: bearer token, subprotocol, ticket or session cookie, and nothing else (PROTOCOL section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http.cookie import parse_cookie
from django.utils.crypto import constant_time_compare

from mozaiks.accounts import services
from mozaiks.accounts.models import App, User
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.close_codes import NOT_IN_APP, NOT_SIGNED_IN, RESTART
from mozaiks.protocol.errors import Forbidden, NotFound

from . import ports


@dataclass(frozen=True)
class Admitted:
    """A socket's principal, how it signed in, and the chat its alias path names."""

    principal: Principal
    session_key: str | None = None
    token: str | None = None
    alias_chat: UUID | None = None


@dataclass(frozen=True)
class _SignedIn:
    user: User
    app: App | None = None
    """The one app that a token or ticket is for."""
    session_key: str | None = None
    token: str | None = None


class Denied(Exception):
    """The socket may not open: with a close code after accepting, or (``code`` None) with HTTP 403."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


def admit(scope: dict[str, Any]) -> Admitted:
    """The admitted socket of an ASGI scope, or ``Denied``."""
    route = scope["url_route"]["kwargs"]
    headers = {name.lower(): value for name, value in scope["headers"]}
    who = _sign_in(scope, headers)
    if who is None:
        raise Denied(NOT_SIGNED_IN)
    app_slug = route["app_id"]
    if who.app is not None and who.app.slug != app_slug:
        raise Denied(NOT_IN_APP)
    try:
        principal = services.find_principal(user=who.user, app_slug=app_slug)
    except Forbidden:
        raise Denied(NOT_IN_APP) from None
    return Admitted(principal, who.session_key, who.token, _alias_chat(principal, route))


def still_admitted(admitted: Admitted) -> int | None:
    """The close code for a socket whose user lost the sign-in, the role or the app; None while all is well (S4)."""
    if admitted.session_key is not None and _session_user(admitted.session_key) is None:
        return NOT_SIGNED_IN
    if admitted.token is not None and services.token_user(admitted.token) is None:
        return NOT_SIGNED_IN
    role = services.current_role(admitted.principal)
    if role is None:
        return NOT_IN_APP
    # Another role is another principal: the client comes back at once and is admitted as that.
    return None if role == admitted.principal.role else RESTART


def _sign_in(scope: dict[str, Any], headers: dict[bytes, bytes]) -> _SignedIn | None:
    scheme, _, raw = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return _by_token(raw.strip())
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith("bearer."):
            return _by_token(protocol.removeprefix("bearer."))
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if "ticket" in query:
        redeemed = services.redeem_ticket(query["ticket"][0])
        return _SignedIn(*redeemed) if redeemed else None
    return _by_cookie(scope, headers)


def _by_token(raw: str) -> _SignedIn | None:
    found = services.token_user(raw)
    return _SignedIn(*found, token=raw) if found else None


def _by_cookie(scope: dict[str, Any], headers: dict[bytes, bytes]) -> _SignedIn | None:
    key = parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    if key is None:
        return None
    # A page of another site would send the cookie too: only the listed origins may use it (S1, S2).
    if headers.get(b"origin", b"").decode("latin-1") not in _origins(scope):
        raise Denied(None)
    user = _session_user(key)
    return _SignedIn(user, session_key=key) if user else None


def _origins(scope: dict[str, Any]) -> list[str]:
    if settings.ALLOWED_ORIGINS:
        return list(settings.ALLOWED_ORIGINS)
    port = (scope.get("server") or ("", 80))[1]
    suffix = "" if port in (80, None) else f":{port}"
    return [f"http://{host}{suffix}" for host in ("127.0.0.1", "localhost", "[::1]", "testserver")]


def _session_user(session_key: str) -> User | None:
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user_id = store.get(SESSION_KEY)
    if user_id is None or store.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not constant_time_compare(store.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user


def _alias_chat(principal: Principal, route: dict[str, Any]) -> UUID | None:
    if "chat_id" not in route:
        return None
    if route["user_id"] != principal.username:
        raise Denied(NOT_IN_APP)
    try:
        head = ports.log().head(principal, UUID(route["chat_id"]))
    except (ValueError, NotFound):
        raise Denied(NOT_IN_APP) from None
    if head.workflow_name != route["workflow_name"]:
        raise Denied(NOT_IN_APP)
    return head.chat_id
