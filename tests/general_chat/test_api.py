"""REST about Ask Mozaiks: lists and transcripts without a workflow in sight (A25-A28)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from general_chat import api, services
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.events import Said
from sessions_app import services as sessions
from sessions_app.models import ChatSession
from tests.rest import Rest
from workflows_app.models import Run, Turn
from workflows_app.services import start_workflow


@pytest.fixture
def rest(token_of: Callable[[str], str]) -> Rest:
    return Rest(token_of("alice"))


@pytest.mark.requirement("A19", "A20", "A23", "A25")
def test_general_chats_are_numbered_and_listed_newest_first(rest: Rest, principal: Principal) -> None:
    chats = [services.start_general_chat(principal=principal) for _ in range(3)]
    found = rest.get("general_chats/list/demo/alice", api.GeneralChatList)
    assert [(row["sequence"], row["label"]) for row in found["sessions"]] == [
        (3, "General Chat #3"),
        (2, "General Chat #2"),
        (1, "General Chat #1"),
    ]
    assert found["count"] == 3
    assert found["sessions"][2]["chat_id"] == str(chats[0].chat_id)
    assert {"status", "created_at", "last_updated_at", "last_sequence"} <= found["sessions"][0].keys()


@pytest.mark.requirement("A20")
def test_a_renamed_chat_keeps_its_number(rest: Rest, principal: Principal) -> None:
    general = services.start_general_chat(principal=principal)
    sessions.rename_chat(principal=principal, chat_id=general.chat_id, title="Holidays")
    (row,) = rest.get("general_chats/list/demo/alice")["sessions"]
    assert (row["label"], row["sequence"]) == ("Holidays", 1)


def test_the_list_comes_in_pages_of_1_to_200(rest: Rest, principal: Principal) -> None:
    for _ in range(5):
        services.start_general_chat(principal=principal)
    first = rest.get("general_chats/list/demo/alice?limit=3", api.GeneralChatList)
    rest_of_it = rest.get(f"general_chats/list/demo/alice?limit=3&cursor={first['next_cursor']}", api.GeneralChatList)
    assert [row["sequence"] for row in first["sessions"] + rest_of_it["sessions"]] == [5, 4, 3, 2, 1]
    assert rest_of_it["next_cursor"] is None
    for wrong in ("limit=0", "limit=201", "cursor=abc", "limit="):
        error = rest.refused("GET", f"general_chats/list/demo/alice?{wrong}", status=400)
        assert error["code"] == "SCHEMA_VALIDATION_FAILED"


@pytest.mark.requirement("A22", "A26", "A27", "A28", "A30")
def test_a_transcript_is_read_without_touching_a_workflow(rest: Rest, principal: Principal) -> None:
    session, _ = start_workflow(principal=principal, name="Helper")
    workflow = ChatSession.objects.get(pk=session.chat_id)
    before = (workflow.last_seq, Run.objects.count(), Turn.objects.count())
    general = services.start_general_chat(principal=principal)
    for number in range(5):
        said = Said(source="general_agent", message_id=uuid4(), role="assistant", agent="Ask", content=str(number))
        sessions.emit(general.chat, said)
    page = rest.get(f"general_chats/transcript/demo/{general.chat_id}?limit=3", api.GeneralTranscript)
    assert [row["content"] for row in page["messages"]] == ["0", "1", "2"]
    assert {row["source"] for row in page["messages"]} == {"general_agent"}
    assert page["session"]["label"] == "General Chat #1"
    assert page["next_after"] == 3
    last = rest.get(f"general_chats/transcript/demo/{general.chat_id}?after_sequence=3", api.GeneralTranscript)
    assert [row["content"] for row in last["messages"]] == ["3", "4"]
    assert last["next_after"] is None
    workflow.refresh_from_db()
    assert (workflow.last_seq, Run.objects.count(), Turn.objects.count()) == before


@pytest.mark.requirement("A21", "law 10")
def test_a_workflow_is_no_general_chat_and_the_other_way_round(rest: Rest, principal: Principal) -> None:
    session, _ = start_workflow(principal=principal, name="Helper")
    general = services.start_general_chat(principal=principal)
    rest.refused("GET", f"general_chats/transcript/demo/{session.chat_id}", status=404)
    rest.refused("GET", f"chats/transcript/demo/{general.chat_id}", status=404)
    assert rest.get("general_chats/list/demo/alice")["count"] == 1
    assert rest.get("sessions/list/demo/alice")["count"] == 1


def test_a_deleted_general_chat_is_gone(rest: Rest, principal: Principal) -> None:
    general = services.start_general_chat(principal=principal)
    assert rest.call("DELETE", f"chats/demo/{general.chat_id}").status_code == 204
    assert rest.get("general_chats/list/demo/alice")["count"] == 0
    rest.refused("GET", f"general_chats/transcript/demo/{general.chat_id}", status=404)
    assert services.start_general_chat(principal=principal).sequence == 2, "a number is never given twice"
