"""Law 7 and 8: approvals, questions and unknown outcomes park the turn, and an answer continues it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ag2 import Agent, Context, tool
from ag2.middleware import approval_required
from ag2.tools.final import ClientTool

from mozaiks.llm.client import ToolCall
from mozaiks.llm.offline import Conversation
from mozaiks.runtime.ports import Approval, Artifact, Parked, ParkedRequest
from mozaiks.runtime.staging import current_tool
from tests.model_server import transcript_problem
from tests.runtime.memory_store import Crash, MemoryStore

ASK = ClientTool(
    {
        "function": {
            "name": "ask_user",
            "description": "Ask the user.",
            "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
        }
    }
)


class Desk:
    """An agent that looks and books in one batch, then says how it went."""

    def __init__(self, *calls: ToolCall, tools: Callable[[list[str]], list[Any]] | None = None) -> None:
        self.ran: list[str] = []
        ran = self.ran

        @tool
        async def look(place: str) -> str:
            """Look."""
            ran.append(f"look {place}")
            return f"{place} is there"

        @tool
        def book(flight: str) -> str:
            """Book."""
            ran.append(f"book {flight}")
            current_tool().stage(Artifact("Booking", {"flight": flight}))
            return "BOOKED"

        self.agent: Any = Agent("desk", tools=[look, book, ASK, *(tools(self.ran) if tools else [])])
        self.calls = list(calls) or [ToolCall("l", "look", '{"place": "Rome"}'), BOOK]
        self.store = MemoryStore()
        self.asked = 0

    def respond(self, c: Conversation) -> Any:
        assert transcript_problem({"messages": c.messages}) is None
        self.asked += 1
        if not c.tool_results:
            return self.calls
        return "; ".join(str(result["content"]) for result in c.tool_results)

    async def run(self, **wanted: Any) -> Any:
        return await self.store.run(self.agent, respond=self.respond, **wanted)

    async def parked(self, **wanted: Any) -> list[ParkedRequest]:
        with pytest.raises(Parked) as caught:
            await self.run(**wanted)
        return caught.value.requests


BOOK = ToolCall("b", "book", '{"flight": "AZ1"}')
GATED = {"approve": frozenset({"book"})}
ONCE = {"non_idempotent": frozenset({"book"})}


@pytest.mark.requirement("law 8")
async def test_an_approval_parks_after_the_siblings_are_stored_and_continues_when_given() -> None:
    desk = Desk()
    [request] = await desk.parked(**GATED)
    assert request == ParkedRequest(
        "b", "book", {"flight": "AZ1"}, "approval", 'May the agent call book (flight: "AZ1")?'
    )
    assert desk.ran == ["look Rome"]
    assert [info.tool_call_id for info in desk.store.results] == ["l"]
    assert await desk.parked(**GATED) == [request]  # nobody answered yet: nothing changes
    desk.store.answers["b"] = Approval(True)
    result = await desk.run(**GATED)
    assert result.text == "Rome is there; BOOKED"
    assert desk.ran == ["look Rome", "book AZ1"]
    assert desk.asked == 2
    assert [artifact.state for artifact in desk.store.artifacts] == [{"flight": "AZ1"}]


@pytest.mark.requirement("law 8")
async def test_a_rejected_call_is_not_run_and_the_agent_goes_on_with_the_comment() -> None:
    desk = Desk()
    await desk.parked(**GATED)
    desk.store.answers["b"] = Approval(False, "Too dear.")
    result = await desk.run(**GATED)
    assert result.text == "Rome is there; The user did not approve this call. They said: Too dear."
    assert desk.ran == ["look Rome"]
    assert (desk.store.results[1].status, desk.store.results[1].error) == (
        "error",
        "The user did not approve this call. They said: Too dear.",
    )
    assert desk.store.artifacts == []


@pytest.mark.requirement("law 8")
async def test_two_approvals_of_one_batch_are_asked_together_and_may_be_answered_one_by_one() -> None:
    desk = Desk(BOOK, ToolCall("b2", "book", '{"flight": "AZ2"}'))
    requests = await desk.parked(**GATED)
    assert [request.tool_call_id for request in requests] == ["b", "b2"]
    desk.store.answers["b2"] = Approval(True)
    [left] = await desk.parked(**GATED)
    assert (left.tool_call_id, desk.ran) == ("b", ["book AZ2"])
    desk.store.answers["b"] = Approval(True)
    await desk.run(**GATED)
    assert desk.ran == ["book AZ2", "book AZ1"]


def kill(store: MemoryStore, *, before_result_of: str) -> None:
    """Die when this tool's result is about to be stored: its effect has happened."""
    original = store._commit

    def commit(step: Any) -> None:
        if step.tool_result is not None and step.tool_result.tool_call_id == before_result_of:
            store._commit = original  # type: ignore[method-assign]
            raise Crash("between effect and result")
        original(step)

    store._commit = commit  # type: ignore[method-assign]


@pytest.mark.requirement("law 7")
async def test_an_idempotent_tool_killed_before_its_result_runs_again_under_the_same_key() -> None:
    keys: list[Any] = []

    def tools(ran: list[str]) -> list[Any]:
        @tool
        def pay() -> str:
            """Pay."""
            keys.append(current_tool().key)
            return "paid"

        return [pay]

    desk = Desk(ToolCall("p", "pay", "{}"), tools=tools)
    kill(desk.store, before_result_of="p")
    with pytest.raises(Crash):
        await desk.run()
    assert (await desk.run()).text == "paid"
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert keys[0][1:] == (1, "p")


@pytest.mark.requirement("law 7")
async def test_a_tool_that_is_not_idempotent_asks_before_each_further_run() -> None:
    desk = Desk(BOOK)
    kill(desk.store, before_result_of="b")
    with pytest.raises(Crash):
        await desk.run(**ONCE)
    [request] = await desk.parked(**ONCE)
    assert (request.kind, request.tool_call_id) == ("unknown_outcome", "b/again1")
    assert desk.ran == ["book AZ1"]

    desk.store.answers["b/again1"] = Approval(True)
    kill(desk.store, before_result_of="b")
    with pytest.raises(Crash):
        await desk.run(**ONCE)
    [request] = await desk.parked(**ONCE)
    assert (request.kind, request.tool_call_id) == ("unknown_outcome", "b/again2")
    assert desk.ran == ["book AZ1"] * 2

    desk.store.answers["b/again2"] = Approval(False, "I saw it in my mail.")
    result = await desk.run(**ONCE)
    assert desk.ran == ["book AZ1"] * 2
    assert desk.store.results[0].status == "not_completed"
    assert "I saw it in my mail." in result.text


@pytest.mark.requirement("law 7", "law 8")
async def test_a_gated_tool_that_is_not_idempotent_is_approved_first_and_asked_about_after_a_crash() -> None:
    desk = Desk(BOOK)
    both = GATED | ONCE
    await desk.parked(**both)
    assert desk.store.begun == {}
    desk.store.answers["b"] = Approval(True)
    kill(desk.store, before_result_of="b")
    with pytest.raises(Crash):
        await desk.run(**both)
    [request] = await desk.parked(**both)
    assert request.kind == "unknown_outcome"
    desk.store.answers[request.tool_call_id] = Approval(True)
    assert (await desk.run(**both)).text == "BOOKED"


@pytest.mark.requirement("law 8")
async def test_a_tool_without_code_is_a_question_to_the_user() -> None:
    desk = Desk(ToolCall("q", "ask_user", '{"question": "Window seat?"}'), BOOK)
    [request] = await desk.parked()
    assert (request.kind, request.prompt, request.tool_call_id) == ("question", "Window seat?", "q/ask0")
    assert desk.ran == ["book AZ1"]
    desk.store.answers["q/ask0"] = Approval(True, "Aisle, please.")
    assert (await desk.run()).text == "Aisle, please.; BOOKED"
    assert desk.ran == ["book AZ1"]


@pytest.mark.requirement("law 8")
async def test_a_tool_that_asks_twice_runs_from_its_top_with_the_answers() -> None:
    def tools(ran: list[str]) -> list[Any]:
        @tool
        async def interview(ctx: Context) -> str:
            """Ask two things."""
            ran.append("top")
            return f"{await ctx.input('Where?')} {await ctx.input('When?')}"

        return [interview]

    desk = Desk(ToolCall("i", "interview", "{}"), ToolCall("l", "look", '{"place": "Rome"}'), tools=tools)
    [where] = await desk.parked()
    assert (where.prompt, where.kind, where.tool_call_id, where.tool_name) == (
        "Where?",
        "question",
        "i/ask0",
        "interview",
    )
    desk.store.answers["i/ask0"] = Approval(True, "Rome")
    [when] = await desk.parked()
    assert (when.prompt, when.tool_call_id) == ("When?", "i/ask1")
    desk.store.answers["i/ask1"] = Approval(True, "May")
    assert (await desk.run()).text == "Rome May; Rome is there"
    assert sorted(desk.ran) == ["look Rome", "top", "top", "top"]


@pytest.mark.requirement("law 8")
async def test_ag2s_own_approval_middleware_waits_for_a_person_too() -> None:
    def tools(ran: list[str]) -> list[Any]:
        @tool(middleware=[approval_required()])
        async def wipe() -> str:
            """Wipe."""
            ran.append("wipe")
            return "wiped"

        return [wipe]

    for approved, ran in ((True, ["wipe"]), (False, [])):
        desk = Desk(ToolCall("w", "wipe", "{}"), tools=tools)
        [request] = await desk.parked()
        assert request.kind == "approval"
        assert desk.ran == []
        desk.store.answers[request.tool_call_id] = Approval(approved)
        await desk.run()
        assert desk.ran == ran
