"""One writer per chat (law 6): the database allows one unfinished run, and an old execution writes nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from mozaiks.llm.entries import offline_entry
from mozaiks.runtime.ports import Artifact, Message, ParkedRequest, Step
from mozaiks.runtime.spec import TurnResult
from sessions_app.models import ChatSession, LoggedEvent, ModelCall
from workflows_app import runs, services, steps
from workflows_app.models import InputRequest, Run, StoredEvent, ToolAttempt, Turn, WorkflowSession
from workflows_app.steps import Execution, Fenced, NextTurn

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(principal: Principal) -> Run:
    """A queued run of the Helper; no engine takes it."""
    _, made = services.start_workflow(principal=principal, name="Helper", message="Hello there")
    assert made is not None
    return made


def begun(run: Run) -> tuple[Execution, NextTurn]:
    execution = steps.begin(run.pk)
    assert execution is not None
    following = steps.advance(execution)
    assert following is not None
    return execution, following


def everything() -> list[Any]:
    """Everything an execution could write."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (
            ChatSession,
            LoggedEvent,
            ModelCall,
            Run,
            Turn,
            StoredEvent,
            InputRequest,
            ToolAttempt,
            WorkflowSession,
        )
    ]


STEP = Step(
    kind="response", events=[{"a": 1}], message=Message(uuid4(), "late", True), artifacts=[Artifact("Plan", {})]
)
PARKED = [ParkedRequest("call", "tool", {}, "approval", "May I?")]
WRITES: dict[str, Callable[[Execution, NextTurn], Any]] = {
    "advance": lambda old, turn: steps.advance(old),
    "safe_point": lambda old, turn: steps.safe_point(old),
    "open_call": lambda old, turn: steps.open_call(old, turn.turn, uuid4(), offline_entry()),
    "append": lambda old, turn: steps.append(old, turn.turn, [{"a": 1}]),
    "commit": lambda old, turn: steps.commit(old, turn, STEP),
    "begin_tool": lambda old, turn: steps.begin_tool(old, turn.turn, "call"),
    "park": lambda old, turn: steps.park(old, turn.turn, PARKED),
    "end_turn": lambda old, turn: steps.end_turn(old, turn, TurnResult("late", None, {}, uuid4()), None),
    "fail": lambda old, turn: steps.fail(old, code="INTERNAL", message="late", retryable=True),
}


@pytest.mark.requirement("law 6")
def test_the_database_allows_one_unfinished_run_per_chat(run: Run) -> None:
    for status in Run.UNFINISHED:
        with pytest.raises(IntegrityError), txn():
            Run.objects.create(app=run.app, chat=run.chat, cause=Run.Cause.MESSAGE, status=status)
    Run.objects.create(app=run.app, chat=run.chat, cause=Run.Cause.MESSAGE, status=Run.Status.FAILED)


@pytest.mark.requirement("law 6", "law 7")
@pytest.mark.parametrize("name", WRITES)
def test_an_old_execution_writes_nothing(run: Run, name: str) -> None:
    old, following = begun(run)
    assert begun(run)[0].fence == old.fence + 1
    before = everything()
    with pytest.raises(Fenced):
        WRITES[name](old, following)
    assert everything() == before


@pytest.mark.requirement("law 6")
@pytest.mark.parametrize("name", WRITES)
def test_an_execution_of_a_run_that_was_stopped_writes_nothing(run: Run, principal: Principal, name: str) -> None:
    execution, following = begun(run)
    assert services.stop_run(principal=principal, chat_id=run.chat_id, run_id=run.pk)
    before = everything()
    with pytest.raises(Fenced):
        WRITES[name](execution, following)
    assert everything() == before


@pytest.mark.requirement("law 9")
def test_what_a_dead_execution_left_open_is_unknown_not_zero(run: Run) -> None:
    old, following = begun(run)
    message = uuid4()
    first = steps.open_call(old, following.turn, message, offline_entry())
    again, following = begun(run)
    row = ModelCall.objects.get(pk=first.call_id)
    assert (row.status, row.prompt_tokens, row.completion_tokens) == ("unknown", None, None)
    second = steps.open_call(again, following.turn, message, offline_entry())
    assert (first.attempt, second.attempt) == (1, 2)


@pytest.mark.requirement("law 6", "law 13")
def test_a_run_that_kills_every_execution_is_given_up(run: Run) -> None:
    for _ in range(steps.STALLED_LIMIT):
        assert steps.begin(run.pk) is not None
    assert steps.begin(run.pk) is None
    run.refresh_from_db()
    chat = ChatSession.objects.get(pk=run.chat_id)
    assert (run.status, chat.status, chat.run_state) == ("failed", "IN_PROGRESS", "failed")
    error = LoggedEvent.objects.get(chat=chat, type="chat.error")
    assert "given up" in error.payload["message"]
    assert steps.begin(run.pk) is None


@pytest.mark.requirement("law 7")
def test_a_committed_step_takes_the_count_of_stalls_back(run: Run) -> None:
    for _ in range(steps.STALLED_LIMIT - 1):
        steps.begin(run.pk)
    execution, following = begun(run)
    steps.commit(execution, following, Step(kind="response", events=[{"a": 1}]))
    for _ in range(steps.STALLED_LIMIT):
        assert steps.begin(run.pk) is not None


@pytest.mark.requirement("law 6")
@pytest.mark.parametrize("status", ["waiting", "paused", "completed", "cancelled", "failed"])
def test_only_what_is_queued_or_running_is_executed(run: Run, status: str) -> None:
    Run.objects.filter(pk=run.pk).update(status=status)
    assert steps.begin(run.pk) is None
    assert Run.objects.get(pk=run.pk).fence == 0


@pytest.mark.requirement("law 6", "PROTOCOL 3")
def test_a_queued_message_enters_the_route_like_any_other(run: Run, principal: Principal) -> None:
    chat = run.chat
    queued = services.submit_message(principal, chat, "And then?", None, None)
    assert queued.status == "queued"
    WorkflowSession.objects.filter(chat=chat).update(route_last="helper", turn_count=1)
    runs.end_run(chat, run, status=Run.Status.COMPLETED)
    following = steps.advance(begun_only(chat))
    assert following is not None
    assert "And then?" in following.turn.input


def begun_only(chat: ChatSession) -> Execution:
    execution = steps.begin(Run.objects.get(chat=chat, status__in=Run.UNFINISHED).pk)
    assert execution is not None
    return execution


@pytest.mark.requirement("D2", "law 6")
def test_deleting_a_chat_ends_its_run_and_its_queue(run: Run, principal: Principal) -> None:
    from sessions_app import services as sessions

    services.submit_message(principal, run.chat, "later", None, None)
    execution, following = begun(run)
    sessions.delete_chat(principal=principal, chat_id=run.chat_id)
    assert not Run.objects.filter(chat_id=run.chat_id, status__in=Run.UNFINISHED).exists()
    with pytest.raises(Fenced):
        steps.append(execution, following.turn, [{"a": 1}])
