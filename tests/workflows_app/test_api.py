"""REST about workflows: meta, lists, transcripts, start and messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client as DjangoClient

from artifacts.services import publish_artifact
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.events import Said
from sessions_app import services as sessions
from sessions_app.models import ChatSession, CommandClaim, LoggedEvent
from tests.conftest import PASSWORD
from tests.rest import Rest
from workflows_app import api, selectors, services
from workflows_app.models import WorkflowSession


@pytest.fixture
def rest(token_of: Callable[[str], str]) -> Rest:
    """alice's requests."""
    return Rest(token_of("alice"))


def start(principal: Principal, name: str = "Helper", message: str | None = None) -> ChatSession:
    session, _ = services.start_workflow(principal=principal, name=name, message=message)
    return ChatSession.objects.get(pk=session.chat_id)


def publish(chat: ChatSession, state: Any) -> str:
    """An artifact in the chat, linked as a finished step links it."""
    artifact = publish_artifact(chat=chat, artifact_type="Plan", state=state, author="helper")
    WorkflowSession.objects.filter(chat=chat).update(artifact_instance_id=artifact.pk)
    return str(artifact.pk)


@pytest.mark.requirement("B16", "B17", "B14", "B28", "B33", "B35", "B36", "B41", "B46", "B55", "B56", "B60")
def test_meta_tells_a_client_what_to_restore(rest: Rest, principal: Principal) -> None:
    chat = start(principal)
    artifact_id = publish(chat, {"days": [1, 2]})
    meta = rest.get(f"chats/meta/demo/Helper/{chat.pk}", api.MetaAnswer)
    assert meta["exists"] is True
    assert meta["chat_id"] == str(chat.pk)
    assert meta["workflow_name"] == "Helper"
    assert meta["cache_seed"] == WorkflowSession.objects.get(chat=chat).cache_seed
    assert meta["artifact_instance_id"] == artifact_id
    assert meta["artifact_state"] == {"days": [1, 2]}
    assert meta["artifact_state_size"] == len('{"days":[1,2]}')
    assert meta["artifact_version"] == 1
    last = meta["last_artifact"]
    assert (last["ui_tool_id"], last["display"], last["workflow_name"]) == ("Plan", "artifact", "Helper")
    assert last["payload"] == {"days": [1, 2]}
    logged = LoggedEvent.objects.get(chat=chat, type="chat.artifact")
    assert last["event_id"] == str(logged.event_id)
    assert meta == selectors.chat_meta(principal, chat.pk), "the socket's chat_meta is the same"


@pytest.mark.requirement("B36", "B42", "B47", "D6")
def test_a_large_state_is_told_by_its_size_and_read_elsewhere(rest: Rest, principal: Principal) -> None:
    chat = start(principal)
    artifact_id = publish(chat, {"text": "x" * 70_000})
    meta = rest.get(f"chats/meta/demo/Helper/{chat.pk}", api.MetaAnswer)
    assert meta["artifact_state"] is None
    assert meta["artifact_state_size"] == 70_011
    assert len(json.dumps(meta["last_artifact"]["payload"])) < 1000
    assert len(rest.get(f"artifacts/demo/{artifact_id}")["state"]["text"]) == 70_000


@pytest.mark.requirement("B38")
def test_meta_and_exists_are_scoped_by_chat_app_and_workflow(rest: Rest, principal: Principal) -> None:
    chat = start(principal)
    for what in ("meta", "exists"):
        assert rest.get(f"chats/{what}/demo/Helper/{chat.pk}")["exists"] is True
        assert rest.get(f"chats/{what}/demo/Budgeter/{chat.pk}") == {"exists": False}
        assert rest.get(f"chats/{what}/other/Helper/{chat.pk}") == {"exists": False}
        assert rest.get(f"chats/{what}/demo/Helper/{uuid4()}") == {"exists": False}
        assert rest.get(f"chats/{what}/demo/Helper/no-id") == {"exists": False}


@pytest.mark.requirement("B39")
def test_a_failure_inside_meta_is_a_500_that_says_so(rest: Rest, principal: Principal) -> None:
    chat = start(principal)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE workflows_app_workflowsession RENAME TO lost")
    error = rest.refused("GET", f"chats/meta/demo/Helper/{chat.pk}", status=500)
    assert error["message"].startswith("Failed to load chat meta")


@pytest.mark.requirement("B61", "B63", "B65", "B71", "B73", "D3", "B7")
def test_the_list_is_in_progress_and_oldest_first_and_names_the_default(rest: Rest, principal: Principal) -> None:
    first, second, done = start(principal), start(principal, "Budgeter"), start(principal)
    services.complete_chat(principal=principal, chat_id=done.pk)
    artifact_id = publish(second, {"sum": 1})
    found = rest.get("sessions/list/demo/alice", api.Sessions)
    assert [row["chat_id"] for row in found["sessions"]] == [str(first.pk), str(second.pk)]
    assert (found["count"], found["default_chat_id"]) == (2, str(first.pk))
    assert found["sessions"][0]["last_artifact"] is None
    assert found["sessions"][1]["artifact_instance_id"] == artifact_id
    assert found["sessions"][1]["last_artifact"]["ui_tool_id"] == "Plan"
    for row in found["sessions"]:
        assert row["created_at"].endswith("Z")
        assert row["last_updated_at"] >= row["created_at"]
    recent = rest.get("sessions/list/demo/alice?order=recent", api.Sessions)
    assert [row["chat_id"] for row in recent["sessions"]] == [str(second.pk), str(first.pk)]
    completed = rest.get("sessions/list/demo/alice?status=COMPLETED", api.Sessions)
    assert [row["chat_id"] for row in completed["sessions"]] == [str(done.pk)]
    assert completed["default_chat_id"] == str(first.pk)


@pytest.mark.requirement("B69", "D4")
def test_a_deleted_chat_is_in_no_list_and_has_no_meta(rest: Rest, principal: Principal) -> None:
    chat, other = start(principal), start(principal)
    assert rest.call("DELETE", f"chats/demo/{chat.pk}").status_code == 204
    assert rest.get("sessions/list/demo/alice")["default_chat_id"] == str(other.pk)
    assert rest.get(f"chats/meta/demo/Helper/{chat.pk}") == {"exists": False}
    rest.refused("GET", f"chats/transcript/demo/{chat.pk}", status=404)
    rest.refused("DELETE", f"chats/demo/{chat.pk}", status=404)


@pytest.mark.parametrize("order", ["oldest", "recent"])
def test_pages_of_the_list_are_the_list(rest: Rest, principal: Principal, order: str) -> None:
    chats = [start(principal) for _ in range(5)]
    # Equal times: the id decides, and no chat is skipped or told twice.
    moment = chats[0].created_at
    ChatSession.objects.filter(pk__in=[chat.pk for chat in chats[:3]]).update(created_at=moment, last_updated_at=moment)
    ChatSession.objects.filter(pk=chats[4].pk).update(last_updated_at=moment + timedelta(days=1))
    whole = [row["chat_id"] for row in rest.get(f"sessions/list/demo/alice?order={order}")["sessions"]]
    paged, cursor = [], ""
    for _ in range(3):
        page = rest.get(f"sessions/list/demo/alice?order={order}&limit=2{cursor}", api.Sessions)
        paged += [row["chat_id"] for row in page["sessions"]]
        assert page["total"] == 5
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == whole
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=%00",
        "cursor=bnVsbA",
        "cursor=WyJvbGRlc3QiLCJ4IiwieSJd",
        "cursor=WyJ0aW1lbGluZSIsMl0",
        "limit=0",
        "limit=1001",
        "limit=many",
        "order=newest",
        "status=LOST",
    ],
)
def test_a_wrong_parameter_is_refused_by_name(rest: Rest, query: str) -> None:
    error = rest.refused("GET", f"sessions/list/demo/alice?{query}", status=400)
    assert error["code"] == "SCHEMA_VALIDATION_FAILED"
    assert error["message"].startswith(query.split("=")[0])


@pytest.mark.requirement("B21", "B22", "B49", "B58")
def test_a_transcript_is_the_log_page_by_page_and_hidden_messages_stay_flagged(
    rest: Rest, principal: Principal
) -> None:
    chat = start(principal, message="Hello there")
    sessions.emit(chat, Said(source="system", message_id=uuid4(), role="user", content="seed", visible=False))
    sessions.emit(chat, Said(source="agent", message_id=uuid4(), role="assistant", agent="helper", content="Hi."))
    rows: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = rest.get(f"chats/transcript/demo/{chat.pk}?after_sequence={after}&limit=2", api.WorkflowTranscript)
        assert page["session"]["chat_id"] == str(chat.pk)
        rows, after = rows + page["events"], page["next_after"]
        assert page["messages"] == [row for row in page["events"] if row["type"] == "chat.text"]
    assert [row["seq"] for row in rows] == list(range(1, ChatSession.objects.get(pk=chat.pk).last_seq + 1))
    said = [row for row in rows if row["type"] == "chat.text"]
    assert [(row["source"], row["role"], row["agent"], row["content"], row["visible"]) for row in said] == [
        ("user", "user", None, "Hello there", True),
        ("system", "user", None, "seed", False),
        ("agent", "assistant", "helper", "Hi.", True),
    ]
    assert all(row["data"]["content"] == row["content"] and row["event_id"] and row["timestamp"] for row in said)


def test_a_transcript_as_markdown_is_what_was_visible(rest: Rest, principal: Principal) -> None:
    chat = start(principal, message="Hello there")
    sessions.emit(chat, Said(source="system", message_id=uuid4(), role="user", content="secret seed", visible=False))
    sessions.emit(chat, Said(source="agent", message_id=uuid4(), role="assistant", agent="helper", content="**Hi.**"))
    publish(chat, {"a": 1})
    response = rest.call("GET", f"chats/transcript/demo/{chat.pk}?format=markdown")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("# Hello there\n")
    assert "## User\n\nHello there" in text
    assert "## helper\n\n**Hi.**" in text
    assert "**Plan**, version 1 (created)" in text
    assert "secret seed" not in text
    rest.refused("GET", f"chats/transcript/demo/{chat.pk}?format=pdf", status=400)


@pytest.mark.requirement("B1", "B4", "B5", "law 4")
def test_starting_twice_with_one_request_id_starts_one_chat(rest: Rest, principal: Principal) -> None:
    body = {"message": "Hello there", "client_request_id": "one"}
    first = rest.post("chats/demo/Helper/start", body, api.Started, status=201)
    again = rest.post("chats/demo/Helper/start", body, api.Started, status=200)
    assert (first["reused"], again["reused"]) == (False, True)
    assert {**again, "reused": False} == first
    assert first["websocket_url"] == "ws://testserver/ws/demo"
    assert ChatSession.objects.count() == 1
    assert rest.refused("POST", "chats/demo/Helper/start", {**body, "message": "x"}, status=409)["code"] == "ID_REUSED"
    other = rest.post("chats/demo/Helper/start", {}, api.Started, status=201)
    assert other["run_id"] is None, "a user-started workflow without a message starts idle"
    assert CommandClaim.objects.count() == 1, "without an id nothing is remembered"


@pytest.mark.requirement("A33", "A34")
def test_the_guard_refuses_a_start_and_says_what_to_do(rest: Rest, principal: Principal) -> None:
    error = rest.refused("POST", "chats/demo/TripPlanner/start", {"message": "Ghent"}, status=409)
    assert error["code"] == "WORKFLOW_PREREQS_NOT_MET"
    assert "Budget" in error["message"]
    shown = {row["workflow_name"]: row for row in rest.get("workflows/demo/available", api.Available)["workflows"]}
    assert (shown["TripPlanner"]["available"], shown["TripPlanner"]["reason"]) == (False, error["message"])
    assert shown["Helper"]["available"] is True
    publish_artifact(chat=start(principal), artifact_type="Budget", state={}, author="clerk")
    rest.post("chats/demo/TripPlanner/start", {"message": "Ghent"}, api.Started, status=201)


def test_a_refusal_is_given_again_under_its_id(rest: Rest, principal: Principal) -> None:
    body = {"client_request_id": "guarded"}
    first = rest.refused("POST", "chats/demo/TripPlanner/start", body, status=409)
    publish_artifact(chat=start(principal), artifact_type="Budget", state={}, author="clerk")
    assert rest.refused("POST", "chats/demo/TripPlanner/start", body, status=409) == first


def test_an_unknown_workflow_and_a_wrong_body_are_refused(rest: Rest) -> None:
    assert rest.refused("POST", "chats/demo/Nothing/start", {}, status=404)["code"] == "WORKFLOW_NOT_FOUND"
    assert "txet" in rest.refused("POST", "chats/demo/Helper/start", {"txet": 1}, status=400)["message"]
    assert "message" in rest.refused("POST", "chats/demo/Helper/start", {"message": 1}, status=400)["message"]
    rest.refused("POST", "chats/demo/Helper/start", [], status=400)


@pytest.mark.requirement("law 4")
def test_a_message_counts_once_and_waits_while_the_chat_is_busy(rest: Rest, principal: Principal) -> None:
    chat = start(principal)
    path, body = f"chats/demo/{chat.pk}/messages", {"text": "Hello", "client_request_id": "m1"}
    first = rest.post(path, body, api.Submitted)
    assert (first["status"], first["seq"]) == ("accepted", 2)
    assert rest.post(path, body, api.Submitted) == {**first, "reused": True}
    assert rest.post(path, {"text": "And?"}, api.Submitted)["status"] == "queued"
    assert rest.refused("POST", path, {"text": "And?", "on_busy": "reject"}, status=409)["code"] == "CHAT_BUSY"
    assert rest.refused("POST", path, {"text": "Other", "client_request_id": "m1"}, status=409)["code"] == "ID_REUSED"
    assert "text" in rest.refused("POST", path, {}, status=400)["message"]
    services.complete_chat(principal=principal, chat_id=chat.pk)
    assert rest.refused("POST", path, {"text": "late"}, status=409)["code"] == "CHAT_CLOSED"


def test_a_viewer_reads_and_does_not_write(token_of: Callable[[str], str], people: dict[str, Principal]) -> None:
    chat = sessions.create_chat(principal=people["vera"], kind="workflow", workflow_name="Helper")
    vera = Rest(token_of("vera"))
    assert vera.get("sessions/list/demo/vera")["count"] == 1
    for method, path, body in (
        ("POST", "chats/demo/Helper/start", {}),
        ("POST", f"chats/demo/{chat.pk}/messages", {"text": "a"}),
        ("DELETE", f"chats/demo/{chat.pk}", None),
    ):
        assert vera.refused(method, path, body, status=403)["code"] == "FORBIDDEN"


@pytest.mark.requirement("law 11")
def test_staff_may_read_another_members_list(token_of: Callable[[str], str], people: dict[str, Principal]) -> None:
    chat = start(people["bob"])
    rows = Rest(token_of("alice")).get("sessions/list/demo/bob", api.Sessions)["sessions"]
    assert [row["chat_id"] for row in rows] == [str(chat.pk)]
    Rest(token_of("alice")).refused("GET", "sessions/list/demo/carol", status=404)
    Rest(token_of("alice")).refused("GET", "sessions/list/demo/nobody", status=404)


@pytest.mark.requirement("S1")
def test_a_signed_in_browser_needs_the_csrf_token_to_write(people: dict[str, Principal]) -> None:
    browser = DjangoClient(enforce_csrf_checks=True)
    assert browser.login(username="alice", password=PASSWORD)
    assert browser.get("/api/sessions/list/demo/alice").status_code == 200
    refused = browser.post("/api/chats/demo/Helper/start", data="{}", content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "FORBIDDEN"
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    made = browser.post(
        "/api/chats/demo/Helper/start", data="{}", content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert made.status_code == 201
