"""Who may open a socket, and who may keep it (PROTOCOL section 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from mozaiks.accounts import services as accounts
from mozaiks.accounts.models import ApiToken, Membership, Ticket
from mozaiks.accounts.principal import Principal
from mozaiks.gateway import hub

from .scene import (
    Connect,
    Open,
    database,
    is_well,
    signed_in,
    start,
)


@pytest.mark.requirement("S1", "PROTOCOL 1")
async def test_a_token_opens_the_socket_of_its_app_only(door: Open, token_of: Callable[[str], str]) -> None:
    assert await (await door()).code() == 4401
    assert await (await door(authorization="Bearer mzk_wrong")).code() == 4401
    assert await (await door(authorization="Bearer ")).code() == 4401
    assert await (await door("/ws/demo?token=x&user_id=alice")).code() == 4401
    token = await database(token_of, "alice")
    for app in ("other", "missing"):
        assert await (await door(f"/ws/{app}", authorization=f"Bearer {token}")).code() == 4403
    await (await door("/ws/demo/", authorization=f"Bearer {token}")).client.hello()
    assert not (await door("/elsewhere", authorization=f"Bearer {token}")).accepted
    await database(ApiToken.objects.update, revoked_at=timezone.now())
    assert await (await door(authorization=f"Bearer {token}")).code() == 4401


@pytest.mark.requirement("S1", "PROTOCOL 1")
async def test_a_browser_may_bring_the_token_as_a_subprotocol(door: Open, token_of: Callable[[str], str]) -> None:
    token = await database(token_of, "alice")
    opened = await door(subprotocols=["mozaiks.v1", f"bearer.{token}"])
    assert (opened.accepted, opened.detail) == (True, "mozaiks.v1")
    assert (await opened.client.hello())["user_id"] == "alice"
    assert await (await door(subprotocols=["mozaiks.v1", "bearer.wrong"])).code() == 4401


@pytest.mark.requirement("S1", "PROTOCOL 1")
async def test_a_ticket_opens_once_and_soon(door: Open, people: dict[str, Principal]) -> None:
    ticket = await database(accounts.issue_ticket, principal=people["alice"])
    assert (await (await door(f"/ws/demo?ticket={ticket}")).client.hello())["user_id"] == "alice"
    assert await (await door(f"/ws/demo?ticket={ticket}")).code() == 4401
    late = await database(accounts.issue_ticket, principal=people["alice"])
    await database(Ticket.objects.update, expires_at=timezone.now())
    assert await (await door(f"/ws/demo?ticket={late}")).code() == 4401
    foreign = await database(accounts.issue_ticket, principal=people["carol"])
    assert await (await door(f"/ws/demo?ticket={foreign}")).code() == 4403
    login = await database(accounts.issue_ticket, principal=people["alice"], purpose=Ticket.Purpose.LOGIN)
    assert await (await door(f"/ws/demo?ticket={login}")).code() == 4401


@pytest.mark.requirement("S1", "S2", "PROTOCOL 1")
async def test_a_cookie_counts_only_from_a_listed_origin(door: Open, settings: Any) -> None:
    settings.ALLOWED_ORIGINS = ["https://mozaiks.example"]
    cookie = f"sessionid={await database(signed_in, 'alice')}"
    for origin in ({}, {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://mozaiks.example"},
                   {"origin": "https://mozaiks.example.evil.example"}):  # fmt: skip
        refused = await door(cookie=cookie, **origin)
        assert not refused.accepted, origin  # before it is accepted, a close is HTTP 403
    opened = await door(cookie=cookie, origin="https://mozaiks.example")
    assert (await opened.client.hello())["user_id"] == "alice"
    forged = await door(cookie="sessionid=forged", origin="https://mozaiks.example")
    assert await forged.code() == 4401


@pytest.mark.requirement("B1", "PROTOCOL 1")
async def test_the_prior_systems_path_opens_that_chat(
    door: Open, connect: Connect, token_of: Callable[[str], str]
) -> None:
    alice, bob = await connect("alice"), await connect("bob")
    chat_id, foreign = await start(alice, activate=False), await start(bob)
    general = (await alice.ask("chat.enter_general_mode"))["general_chat_id"]
    header = {"authorization": f"Bearer {await database(token_of, 'alice')}"}
    for path in (
        f"/ws/Helper/demo/{chat_id}/bob",
        f"/ws/Chain/demo/{chat_id}/alice",
        f"/ws/Helper/demo/{foreign}/alice",
        f"/ws/Helper/demo/{uuid4()}/alice",
        f"/ws/Helper/demo/{general}/alice",
        "/ws/Helper/demo/not-a-chat/alice",
        f"/ws/Helper/other/{chat_id}/alice",
    ):
        assert await (await door(path, **header)).code() == 4403, path
    client = (await door(f"/ws/Helper/demo/{chat_id}/alice", **header)).client
    await client.hello(cursors={})
    await client.event("replay.end", chat_id)
    state = await client.ask("session.list")
    assert (state["active_chat_id"], state["mode"]) == (chat_id, "workflow")


@pytest.mark.requirement("PROTOCOL 1")
async def test_a_user_has_so_many_sockets(
    door: Open, limits: Callable[..., None], token_of: Callable[[str], str]
) -> None:
    limits(sockets_per_user=2)
    header = {"authorization": f"Bearer {await database(token_of, 'alice')}"}
    first, _ = await door(**header), await door(**header)
    assert await (await door(**header)).code() == 4009
    other = {"authorization": f"Bearer {await database(token_of, 'bob')}"}
    await (await door(**other)).client.hello()
    await first.communicator.disconnect()
    await (await door(**header)).client.hello()


@pytest.mark.requirement("S4", "law 11")
async def test_a_lost_role_token_or_session_closes_the_socket(
    connect: Connect, door: Open, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(hub, "POLL_EVERY", 0.1)
    monkeypatch.setattr(hub, "RECHECK_EVERY", 1)
    settings.ALLOWED_ORIGINS = ["https://mozaiks.example"]
    alice, bob = await connect("alice"), await connect("bob")
    key = await database(signed_in, "vera")
    vera = (await door(cookie=f"sessionid={key}", origin="https://mozaiks.example")).client
    await vera.hello()
    await database(Membership.objects.filter(user__username="bob").update, role="viewer")
    with pytest.raises(ConnectionError, match="1012"):  # another role: come back as that
        await bob.until(lambda frame: False)
    bob = await connect("bob")
    await database(Membership.objects.filter(user__username="bob").delete)
    with pytest.raises(ConnectionError, match="4403"):
        await bob.until(lambda frame: False)
    await database(ApiToken.objects.filter(user__username="alice").update, revoked_at=timezone.now())
    with pytest.raises(ConnectionError, match="4401"):
        await alice.until(lambda frame: False)
    await is_well(vera)
    await database(SessionStore(key).delete)
    with pytest.raises(ConnectionError, match="4401"):
        await vera.until(lambda frame: False)
