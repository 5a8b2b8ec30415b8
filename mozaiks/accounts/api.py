"""REST sign-in: a bearer token for a password, a ticket for a socket."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from mozaiks.openapi import operation
from mozaiks.protocol.errors import Forbidden
from mozaiks.rest import Body, read_body

from . import services
from .rest import principal_of


class LoginThrottle(SimpleRateThrottle):
    """Tries to sign in, per address: so many a minute (``MOZAIKS_LIMIT_LOGINS_PER_MINUTE``)."""

    scope = "login"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class TokenBody(Body):
    username: str
    password: str
    app_id: str


class TicketBody(Body):
    app_id: str


class Token(BaseModel):
    """A bearer token; it is shown once."""

    token: str


class SocketTicket(BaseModel):
    """A ticket for ``/ws/{app_id}?ticket=…``."""

    ticket: str


class TokenView(APIView):
    """``POST /api/auth/token``: a bearer token of the user in the app."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes = [LoginThrottle]

    @operation("auth_token", Token, body=TokenBody, refusals=(403, 429))
    def post(self, request: Request) -> Response:
        """A bearer token of the user in the app, for the password."""
        body = read_body(TokenBody, request.data)
        user = services.check_password(username=body.username, password=body.password)
        if user is None:
            raise Forbidden("The username or the password is wrong.")
        return Response({"token": services.issue_token(user=user, app_slug=body.app_id)})


class TicketView(APIView):
    """``POST /api/auth/ticket``: a ticket that opens one socket within 60 s."""

    @operation("auth_ticket", SocketTicket, body=TicketBody)
    def post(self, request: Request) -> Response:
        """A ticket that opens one socket within 60 s."""
        body = read_body(TicketBody, request.data)
        principal = principal_of(request, body.app_id)
        return Response({"ticket": services.issue_ticket(principal=principal)})
