"""REST about chats as such: the mixed timeline, deletion, usage."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from general_chat.services import start_general_chat
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.events import Said
from sessions_app import api, metrics, services
from sessions_app.models import ChatSession, LoggedEvent, ModelCall
from tests.rest import Rest


@pytest.fixture
def rest(token_of: Callable[[str], str]) -> Rest:
    return Rest(token_of("alice"))


def say(chat: ChatSession, content: str, source: Any = "user") -> None:
    services.emit(chat, Said(source=source, message_id=uuid4(), role="user", content=content))


@pytest.mark.requirement("A31", "A40", "D1")
def test_the_timeline_is_the_mixed_conversation_as_it_happened(
    rest: Rest, principal: Principal, chat: ChatSession, people: dict[str, Principal]
) -> None:
    general = start_general_chat(principal=principal).chat
    foreign = services.create_chat(principal=people["bob"], kind=ChatSession.Kind.WORKFLOW)
    gone = services.create_chat(principal=principal, kind=ChatSession.Kind.WORKFLOW)
    say(foreign, "not hers")
    say(gone, "deleted")
    for number in range(6):
        say(general if number % 2 else chat, str(number), "general_agent" if number % 2 else "agent")
    ChatSession.objects.filter(pk=gone.pk).update(deleted_at=gone.created_at)
    seen: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(10):
        page = rest.get(f"timeline/demo/alice?limit=2{cursor}", api.Timeline)
        seen += page["messages"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [row["content"] for row in seen] == ["0", "1", "2", "3", "4", "5"]
    assert [row["source"] for row in seen] == ["agent", "general_agent"] * 3
    assert [row["seq"] for row in seen if row["chat_id"] == str(general.pk)] == [1, 2, 3]


@pytest.mark.parametrize("wrong", ["cursor=x", "cursor=WyJ0aW1lbGluZSIsLTFd", "cursor=W10", "limit=2001", "limit=-1"])
def test_a_wrong_page_is_refused(rest: Rest, wrong: str) -> None:
    assert rest.refused("GET", f"timeline/demo/alice?{wrong}", status=400)["code"] == "SCHEMA_VALIDATION_FAILED"


@pytest.mark.requirement("A41", "law 9", "A51")
def test_usage_sums_the_ledger_once_and_says_what_is_unknown(rest: Rest, chat: ChatSession) -> None:
    def call() -> ModelCall:
        return metrics.open_call(
            chat=chat, run_id=uuid4(), fence=1, message_id=uuid4(), agent="a", entry="offline", model="m"
        )

    known, unknown, _still_open = call(), call(), call()
    metrics.update_session_metrics(call_id=known.pk, prompt_tokens=10, completion_tokens=5)
    metrics.update_session_metrics(call_id=known.pk, prompt_tokens=10, completion_tokens=5)
    metrics.update_session_metrics(call_id=unknown.pk)
    ModelCall.objects.filter(pk=known.pk).update(cost=Decimal("0.25"))
    found = rest.get("usage/demo", api.Usage)
    assert found["totals"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cost": "0.25",
        "calls": 2,
        "unknown_calls": 1,
    }
    (day,) = found["by_day"]
    assert (day["day"], day["total_tokens"], day["calls"]) == (known.opened_at.date().isoformat(), 15, 2)


@pytest.mark.requirement("D4", "B69")
def test_deleting_hides_a_chat_and_keeps_the_ledger(rest: Rest, chat: ChatSession) -> None:
    say(chat, "a")
    row = metrics.open_call(
        chat=chat, run_id=uuid4(), fence=1, message_id=uuid4(), agent="a", entry="offline", model="m"
    )
    metrics.update_session_metrics(call_id=row.pk, prompt_tokens=3, completion_tokens=4)
    assert rest.call("DELETE", f"chats/demo/{chat.pk}").content == b""
    assert rest.get("timeline/demo/alice")["messages"] == []
    assert rest.get("usage/demo")["totals"]["total_tokens"] == 7
    assert LoggedEvent.objects.filter(chat=chat).exists(), "the rows go at the next purge"


@pytest.mark.requirement("PROTOCOL 6")
def test_the_openapi_document_names_every_operation_and_its_shapes(rest: Rest) -> None:
    document = rest.call("GET", "schema?format=json").json()
    operations = [
        (method, path, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    assert len(operations) >= 15
    for method, path, operation in operations:
        assert operation["summary"], path
        assert "401" in operation["responses"], path
        assert {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"} == {
            part[1:-1] for part in path.split("/") if part.startswith("{")
        }
        assert (method == "post") == ("requestBody" in operation), path
        for status, answer in operation["responses"].items():
            assert status == "204" or "content" in answer, (path, status)


def test_the_page_of_the_openapi_document_loads_only_what_its_policy_allows(
    client: Any, people: dict[str, Principal]
) -> None:
    client.login(username="alice", password="correct horse battery")
    response = client.get("/api/docs")
    assert response.status_code == 200
    assert "script-src 'self'" in response["Content-Security-Policy"]
    page = response.content.decode()
    assert "//" not in page.replace("<!doctype", "").replace("http://www.w3.org", "")
    assert "onclick" not in page
    assert "<style" not in page
