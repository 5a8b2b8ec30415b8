"""Chats and the ledger in the admin: to read, never to edit, and each tenant apart."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from artifacts.services import publish_artifact
from general_chat.services import start_general_chat
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.events import Said
from sessions_app import metrics, services
from sessions_app.models import ChatSession, ModelCall
from tests.admin_client import READ_ONLY, page, staff_of, superuser
from workflows_app.models import InputRequest
from workflows_app.services import start_workflow


@pytest.fixture
def spoken(principal: Principal) -> ChatSession:
    """A chat of alice in demo, with something of everything."""
    session, run = start_workflow(principal=principal, name="Helper", message="<script>alert(1)</script>")
    chat = ChatSession.objects.get(pk=session.chat_id)
    publish_artifact(chat=chat, artifact_type="Plan", state={"deep": "<b>bold</b>"}, author="helper")
    start_general_chat(principal=principal)
    assert run is not None
    InputRequest.objects.create(
        app_id=chat.app_id, chat=chat, run=run, kind="question", prompt="Which <i>one</i>?", seq=1
    )
    call = metrics.open_call(
        chat=chat, run_id=run.pk, fence=1, message_id=uuid4(), agent="helper", entry="offline", model="tiny"
    )
    metrics.update_session_metrics(call_id=call.pk, prompt_tokens=30, completion_tokens=12)
    ModelCall.objects.filter(pk=call.pk).update(cost=Decimal("0.5"))
    return chat


def test_a_transcript_is_shown_escaped_and_only_its_end(spoken: ChatSession) -> None:
    seen = page(superuser(), f"sessions_app/chatsession/{spoken.pk}/change/")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in seen
    assert "<script>alert(1)" not in seen
    assert "<b>bold" not in seen
    for number in range(220):
        services.emit(spoken, Said(source="user", message_id=uuid4(), role="user", content=f"line-{number}-"))
    seen = page(superuser(), f"sessions_app/chatsession/{spoken.pk}/change/")
    assert "line-219-" in seen
    assert "line-20-" in seen
    assert "line-19-" not in seen


@pytest.mark.parametrize("model", READ_ONLY)
def test_the_record_is_read_and_never_edited(model: str, spoken: ChatSession) -> None:
    client = superuser()
    listed = page(client, f"{model}/")
    assert "0 results" not in listed
    pk = listed.split("/change/")[0].rsplit("/", 1)[-1]
    seen = page(client, f"{model}/{pk}/change/")
    assert 'name="_save"' not in seen
    assert client.post(f"/admin/{model}/{pk}/change/", {"status": "FAILED"}).status_code == 403
    assert client.post(f"/admin/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"/admin/{model}/add/").status_code == 403


@pytest.mark.requirement("law 11")
@pytest.mark.parametrize("model", READ_ONLY)
def test_staff_see_the_apps_they_are_members_of(model: str, spoken: ChatSession) -> None:
    listed = page(staff_of("demo"), f"{model}/")
    pk = listed.split("/change/")[0].rsplit("/", 1)[-1]
    page(staff_of("demo"), f"{model}/{pk}/change/")
    others = staff_of("other")
    assert "0 " in page(others, f"{model}/").split("paginator")[1]
    assert f"/{pk}/change/" not in page(others, f"{model}/")
    assert others.get(f"/admin/{model}/{pk}/change/").status_code == 302, "as for a row that does not exist"


def test_chats_are_found_by_id_title_owner_and_filters(spoken: ChatSession) -> None:
    client = superuser()
    for query in (f"q={spoken.pk}", "q=helper", "q=alice", "kind__exact=workflow", "run_state__exact=queued"):
        assert str(spoken.pk) in page(client, f"sessions_app/chatsession/?{query}"), query
    for query in (f"q={uuid4()}", "q=nothing", "kind__exact=general", "status__exact=COMPLETED"):
        assert str(spoken.pk) not in page(client, f"sessions_app/chatsession/?{query}"), query


@pytest.mark.requirement("A50", "A51", "law 9")
def test_the_ledger_has_totals_by_day_workflow_and_model(spoken: ChatSession) -> None:
    assert "/totals/" in page(superuser(), "sessions_app/modelcall/")
    seen = page(superuser(), "sessions_app/modelcall/totals/")
    for heading in ("By day", "By workflow", "By model"):
        assert heading in seen
    rows = seen.split("<tbody>")[1:]
    for row, name in zip(rows, (str(ModelCall.objects.get().opened_at.date()), "Helper", "tiny"), strict=True):
        assert f"<th>{name}</th><td>1</td><td>0</td><td>30</td><td>12</td><td>42</td>" in row
    assert "tiny" not in page(staff_of("other"), "sessions_app/modelcall/totals/")
    assert "tiny" in page(staff_of("demo"), "sessions_app/modelcall/totals/")


def test_the_ledger_is_filtered_by_day_workflow_model_and_status(spoken: ChatSession) -> None:
    row = str(ModelCall.objects.get().pk)
    for query in ("workflow_name=Helper", "model=tiny", "status__exact=done", "opened_at__year=2000"):
        assert (row in page(superuser(), f"sessions_app/modelcall/?{query}")) == ("2000" not in query)
