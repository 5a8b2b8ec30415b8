"""REST sign-in: a token for a password, a ticket for a socket."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mozaiks.accounts import api, services
from mozaiks.accounts.models import User
from mozaiks.accounts.principal import Principal
from tests.conftest import PASSWORD
from tests.rest import Rest


@pytest.mark.requirement("PROTOCOL 6")
def test_a_password_gives_a_token_that_works(people: dict[str, Principal]) -> None:
    body = {"username": "alice", "password": PASSWORD, "app_id": "demo"}
    token = Rest().post("auth/token", body, api.Token)["token"]
    assert Rest(token).get("usage/demo")["by_day"] == []


def test_a_wrong_password_a_foreign_app_and_a_gone_user_get_no_token(people: dict[str, Principal]) -> None:
    good = {"username": "alice", "password": PASSWORD, "app_id": "demo"}
    for wrong in ({"password": "no"}, {"username": "nobody"}, {"app_id": "other"}):
        assert Rest().refused("POST", "auth/token", {**good, **wrong}, status=403)["code"] == "FORBIDDEN"
    User.objects.filter(username="alice").update(is_active=False)
    Rest().refused("POST", "auth/token", good, status=403)


def test_a_token_ends_with_its_user(people: dict[str, Principal], token_of: Callable[[str], str]) -> None:
    token = token_of("bob")
    assert Rest(token).get("usage/demo")
    User.objects.filter(username="bob").update(is_active=False)
    Rest(token).refused("GET", "usage/demo", status=401)


def test_a_ticket_is_good_once(people: dict[str, Principal], token_of: Callable[[str], str]) -> None:
    ticket = Rest(token_of("bob")).post("auth/ticket", {"app_id": "demo"}, api.SocketTicket)["ticket"]
    found = services.redeem_ticket(ticket)
    assert found is not None
    assert (found[0].username, found[1].slug) == ("bob", "demo")
    assert services.redeem_ticket(ticket) is None
