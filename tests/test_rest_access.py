"""Every REST route against everyone who is not meant: a route without a row here fails (law 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from artifacts.services import publish_artifact
from general_chat.services import start_general_chat
from mozaiks.accounts import services as accounts
from mozaiks.accounts.models import App, Membership, User
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.events import Said
from sessions_app import services
from sessions_app.models import ChatSession
from tests.rest import Rest
from workflows_app.models import Run
from workflows_app.services import start_workflow

pytestmark = pytest.mark.requirement("law 11", "B20", "B38")


@dataclass(frozen=True)
class Row:
    """One route, and what somebody else of the app gets: 404, or (``own``) the same of their own."""

    method: str
    path: str
    body: Any = None
    own: int | None = None
    hidden: bool = False
    """Says ``{"exists": false}`` instead of 404."""


ROWS: dict[str, Row] = {
    "chat-meta": Row("GET", "chats/meta/demo/Helper/{chat}", hidden=True),
    "chat-exists": Row("GET", "chats/exists/demo/Helper/{chat}", hidden=True),
    "chat-transcript": Row("GET", "chats/transcript/demo/{chat}"),
    "chat-start": Row("POST", "chats/demo/Helper/start", {}, own=201),
    "chat-messages": Row("POST", "chats/demo/{chat}/messages", {"text": "hello"}),
    "chat": Row("DELETE", "chats/demo/{chat}"),
    "sessions-list": Row("GET", "sessions/list/demo/alice"),
    "workflows-available": Row("GET", "workflows/demo/available", own=200),
    "general-chats-list": Row("GET", "general_chats/list/demo/alice"),
    "general-chats-transcript": Row("GET", "general_chats/transcript/demo/{general}"),
    "artifact": Row("GET", "artifacts/demo/{artifact}"),
    "timeline": Row("GET", "timeline/demo/alice"),
    "usage": Row("GET", "usage/demo", own=200),
    "auth-ticket": Row("POST", "auth/ticket", {"app_id": "demo"}, own=200),
}
PUBLIC = {"auth-token"}
PAGES = {"schema", "api-docs", None}
"""Of no app: the OpenAPI document, its page, and the answer to paths that do not exist."""


def routes(patterns: Any = None, prefix: str = "") -> Iterator[str | None]:
    """The names of all routes under ``/api/``."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        elif isinstance(entry, URLPattern) and path.startswith("api/"):
            yield entry.name


@pytest.fixture
def alices(principal: Principal) -> dict[str, str]:
    """What alice has, by its name in the rows' paths."""
    session, _ = start_workflow(principal=principal, name="Helper", message="mine")
    chat = ChatSession.objects.get(pk=session.chat_id)
    artifact = publish_artifact(chat=chat, artifact_type="Plan", state={"secret": 1}, author="helper")
    general = start_general_chat(principal=principal)
    services.emit(general.chat, Said(source="user", message_id=uuid4(), role="user", content="secret"))
    return {"chat": str(chat.pk), "artifact": str(artifact.pk), "general": str(general.chat_id)}


@pytest.fixture
def stranger_token(principal: Principal) -> str:
    """alice's own token, but of another app she is in too."""
    app = App.objects.get(slug="other")
    accounts.make_member(app=app, username="alice", role=Membership.Role.OWNER)
    return accounts.issue_token(user=User.objects.get(username="alice"), app_slug="other")


def test_every_route_has_a_row() -> None:
    found = set(routes())
    assert len(found) > 10
    assert found - set(ROWS) - PUBLIC - PAGES == set()
    assert set(ROWS) - found == set(), "a row without a route"


@pytest.mark.parametrize("name", ROWS)
def test_nobody_gets_in_without_signing_in(name: str, alices: dict[str, str]) -> None:
    row = ROWS[name]
    error = Rest().refused(row.method, row.path.format(**alices), row.body, status=401)
    assert error["code"] == "FORBIDDEN"
    Rest("mzk_unknown").refused(row.method, row.path.format(**alices), row.body, status=401)


@pytest.mark.parametrize("name", ROWS)
def test_another_user_of_the_app_gets_nothing_of_hers(
    name: str, alices: dict[str, str], token_of: Callable[[str], str]
) -> None:
    row, before = ROWS[name], fingerprint(alices)
    response = Rest(token_of("bob")).call(row.method, row.path.format(**alices), row.body)
    check(row, response, own=row.own)
    assert fingerprint(alices) == before


@pytest.mark.parametrize("name", ROWS)
def test_a_user_of_another_app_gets_nothing(name: str, alices: dict[str, str], token_of: Callable[[str], str]) -> None:
    row, before = ROWS[name], fingerprint(alices)
    response = Rest(token_of("carol")).call(row.method, row.path.format(**alices), row.body)
    check(row, response, own=None)
    assert fingerprint(alices) == before


@pytest.mark.parametrize("name", ROWS)
def test_a_token_is_good_for_its_own_app_only(name: str, alices: dict[str, str], stranger_token: str) -> None:
    row, before = ROWS[name], fingerprint(alices)
    response = Rest(stranger_token).call(row.method, row.path.format(**alices), row.body)
    check(row, response, own=None)
    assert fingerprint(alices) == before


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "{" in row.path])
@pytest.mark.parametrize("wrong", ["not-an-id", "00000000-0000-0000-0000-000000000000", "{chat}x", "%7Bchat%7D"])
def test_a_malformed_id_is_a_missing_one(
    name: str, wrong: str, alices: dict[str, str], token_of: Callable[[str], str]
) -> None:
    row = ROWS[name]
    path = row.path.format(**dict.fromkeys(alices, wrong))
    check(row, Rest(token_of("alice")).call(row.method, path, row.body), own=None)


@pytest.mark.parametrize("name", ROWS)
def test_she_herself_gets_in(name: str, alices: dict[str, str], token_of: Callable[[str], str]) -> None:
    row = ROWS[name]
    response = Rest(token_of("alice")).call(row.method, row.path.format(**alices), row.body)
    assert response.status_code in (200, 201, 204), response.content
    if row.hidden:
        assert response.json()["exists"] is True


def test_a_path_that_does_not_exist_says_so_in_json(token_of: Callable[[str], str]) -> None:
    assert Rest(token_of("alice")).refused("GET", "nothing/here", status=404)["code"] == "NOT_FOUND"
    assert Rest(token_of("alice")).refused("POST", "nothing", {}, status=404)["code"] == "NOT_FOUND"


def check(row: Row, response: Any, *, own: int | None) -> None:
    if own is not None:
        assert response.status_code == own, response.content
    elif row.hidden:
        assert (response.status_code, response.json()) == (200, {"exists": False})
    else:
        assert response.status_code == 404, response.content
        assert response.json()["error"]["code"] == "NOT_FOUND"


def fingerprint(alices: dict[str, str]) -> tuple[Any, ...]:
    """Everything of alice's that somebody might have changed."""
    chats = ChatSession.objects.filter(pk__in=[alices["chat"], alices["general"]]).order_by("pk")
    owned = ChatSession.objects.filter(owner__username="alice").count()
    return (*chats.values_list("last_seq", "status", "deleted_at"), owned, Run.objects.filter(chat__in=chats).count())
