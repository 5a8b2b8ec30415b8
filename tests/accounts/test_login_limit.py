"""Tries to sign in are limited at every door, whatever address a client claims to come from."""

from __future__ import annotations

import pytest
from django.test import Client

from mozaiks.accounts.principal import Principal
from tests.harness.live import PASSWORD

WRONG = {"username": "alice", "password": "wrong"}


@pytest.mark.requirement("S28")
@pytest.mark.parametrize("door", ["/login", "/admin/login/"])
def test_a_door_closes_for_a_while_after_too_many_tries(
    people: dict[str, Principal], client: Client, door: str
) -> None:
    statuses = [client.post(door, WRONG, HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code for n in range(14)]
    assert statuses == [200] * 10 + [429] * 4
    right = client.post(door, {"username": "alice", "password": PASSWORD})
    assert right.status_code == 429
    assert right["Retry-After"].isdigit()


@pytest.mark.requirement("S28")
def test_the_token_door_has_the_same_limit(people: dict[str, Principal], client: Client) -> None:
    body = {**WRONG, "app_id": "demo"}
    statuses = [
        client.post("/api/auth/token", body, "application/json", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code
        for n in range(12)
    ]
    assert statuses == [403] * 10 + [429] * 2


def test_the_admins_own_form_signs_staff_in(people: dict[str, Principal], client: Client) -> None:
    page = client.get("/admin/login/?next=/admin/")
    assert page.status_code == 200
    assert b"Mozaiks" in page.content
    answer = client.post("/admin/login/?next=/admin/", {"username": "alice", "password": PASSWORD, "next": "/admin/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


def test_the_admins_form_refuses_who_is_not_staff(people: dict[str, Principal], client: Client) -> None:
    answer = client.post("/admin/login/?next=/admin/", {"username": "bob", "password": PASSWORD})
    assert answer.status_code == 200
    assert b"staff account" in answer.content
