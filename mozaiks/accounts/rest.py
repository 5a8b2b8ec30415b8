"""How REST requests sign in (bearer token, else the session) and which principal a path gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from mozaiks.protocol.errors import Forbidden, NotFound

from . import services
from .models import App, User
from .principal import Principal


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``; the token's app is remembered, and no other one may be named in the path."""

    def authenticate(self, request: Request) -> tuple[User, App] | None:
        scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = services.token_user(raw.strip())
        if found is None:
            raise AuthenticationFailed("The token is not known or no longer valid.")
        return found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The bearer token in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def principal_of(request: Request, app_slug: str, username: str | None = None) -> Principal:
    """The request's user in the path's app; a foreign app or user is ``NotFound`` (law 11).

    ``username`` of a path must be the signed-in user; staff of the app may name another member.
    """
    if isinstance(request.auth, App) and request.auth.slug != app_slug:
        raise NotFound("No such app.")
    assert isinstance(request.user, User)
    try:
        principal = services.find_principal(user=request.user, app_slug=app_slug)
        if username is None or username == principal.username:
            return principal
        if principal.is_staff:
            return services.find_principal(user=services.find_user(username), app_slug=app_slug)
    except Forbidden:
        raise NotFound("No such app.") from None
    raise NotFound("No such user.")
