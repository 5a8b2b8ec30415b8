"""What tools do to a turn: variables, staged artifacts, child agents."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

import pytest
from ag2 import Agent, Context, TaskConfig, Variable, tool

from mozaiks.authoring import publish_artifact, tool_key
from mozaiks.llm.client import ToolCall, close
from mozaiks.llm.offline import Conversation
from mozaiks.runtime.staging import OutsideTool, current_tool
from tests.model_server import ModelServer, Reply
from tests.runtime.memory_store import CHAT, MemoryStore, until


def calling(*calls: ToolCall) -> Any:
    """A responder that makes these calls, then says what came back."""

    def respond(c: Conversation) -> Any:
        return "; ".join(str(result["content"]) for result in c.tool_results) if c.tool_results else list(calls)

    return respond


@pytest.mark.requirement("law 7")
async def test_variables_outlive_the_turn_and_reach_tools_as_ag2_injects_them() -> None:
    @tool
    async def buy(what: str, ctx: Context, money: Annotated[int, Variable()]) -> int:
        """Buy."""
        ctx.variables["money"] = money - 10
        ctx.variables["bag"] = [*ctx.variables.get("bag", []), what]
        return money

    shopper: Any = Agent("shopper", tools=[buy], variables={"money": 100, "client": object()})
    store = MemoryStore()
    await store.run(shopper, respond=calling(ToolCall("1", "buy", '{"what": "a"}')))
    assert store.variables == {"money": 90, "bag": ["a"]}
    result = await store.run(shopper, respond=calling(ToolCall("2", "buy", '{"what": "b"}')), number=2)
    assert result.variables == store.variables == {"money": 80, "bag": ["a", "b"]}


@pytest.mark.requirement("law 7")
async def test_the_step_of_a_tool_holds_its_own_changes_and_not_its_unfinished_siblings() -> None:
    go = asyncio.Event()

    @tool
    async def slow(ctx: Context) -> str:
        """Write, then wait."""
        ctx.variables["slow"] = 1
        await go.wait()
        return "slow"

    @tool
    def quick(ctx: Context) -> str:
        """Change a list in place, in a thread."""
        ctx.variables["list"].append(2)
        return "quick"

    store = MemoryStore(variables={"list": [1]})
    task = asyncio.ensure_future(
        store.run(
            Agent("a", tools=[slow, quick]), respond=calling(ToolCall("s", "slow", "{}"), ToolCall("q", "quick", "{}"))
        )
    )
    await until(lambda: store.results)
    assert store.variables == {"list": [1, 2]}
    go.set()
    await task
    assert store.variables == {"list": [1, 2], "slow": 1}


@pytest.mark.requirement("law 7")
async def test_parallel_tools_that_add_to_one_variable_all_count() -> None:
    @tool
    async def add(ctx: Context) -> int:
        """Add one."""
        await asyncio.sleep(0)
        ctx.variables["n"] = ctx.variables.get("n", 0) + 1
        return int(ctx.variables["n"])

    store = MemoryStore()
    await store.run(Agent("a", tools=[add]), respond=calling(*(ToolCall(f"c{n}", "add", "{}") for n in range(20))))
    assert store.variables == {"n": 20}


@pytest.mark.requirement("law 7")
async def test_artifacts_land_with_the_result_of_their_tool_from_threads_too_and_not_when_it_fails() -> None:
    threads: set[int] = set()

    @tool
    def publish(n: int) -> str:
        """Publish from a worker thread."""
        threads.add(threading.get_ident())
        state = {"n": n}
        publish_artifact("Note", state, title=f"Note {n}")
        state["n"] = -1  # what was published is what it was then
        if n == 3:
            raise ValueError("no")
        return str(tool_key())

    store = MemoryStore()
    calls = [ToolCall(f"c{n}", "publish", f'{{"n": {n}}}') for n in range(4)]
    await store.run(Agent("a", tools=[publish]), respond=calling(*calls))
    assert threading.get_ident() not in threads
    published = {
        step.tool_result.tool_call_id: [a.state for a in step.artifacts] for step in store.steps if step.tool_result
    }
    assert published == {"c0": [{"n": 0}], "c1": [{"n": 1}], "c2": [{"n": 2}], "c3": []}
    assert {info.tool_call_id: info.result for info in store.results}["c1"] == str((CHAT, 1, "c1"))
    with pytest.raises(OutsideTool):
        current_tool()


@pytest.mark.requirement("law 9")
async def test_the_calls_of_child_agents_are_in_the_ledger_once_and_not_in_the_stream() -> None:
    @tool
    def save(what: str) -> str:
        """Save."""
        publish_artifact("Saved", {"what": what})
        return what

    grandchild: Any = Agent("grandchild", "Look closely.")
    child: Any = Agent("child", "Look.", tools=[save, grandchild.as_tool(description="Ask.")])
    parent: Any = Agent("parent", tools=[child.as_tool(description="Ask the child.")])
    store = MemoryStore()
    respond = calling(
        ToolCall("1", "task_child", '{"objective": "Rome"}'), ToolCall("2", "task_child", '{"objective": "Oslo"}')
    )
    await store.run(parent, respond=respond)
    assert len(store.ledger) == store.count("closed") == 4  # two of the parent's, one of each child
    assert all(row["usage"] is not None for row in store.ledger.values())
    assert [row["kind"] for row in store.rows] == ["request", "response", "result", "result", "response"]
    bare = [step for step in store.steps if step.kind == "response" and step.message is None]
    assert [(step.events, step.call is not None) for step in bare] == [([], True)] * 2


@pytest.mark.requirement("law 7", "law 9")
async def test_a_subtask_does_not_get_the_tools_that_need_an_approval() -> None:
    @tool
    def book() -> str:
        """Book."""
        return "booked"

    @tool
    def look() -> str:
        """Look."""
        return "looked"

    desk: Any = Agent("desk", tools=[book, look], tasks=TaskConfig())
    store = MemoryStore()
    with ModelServer([Reply(tool_calls=[("run_subtask", {"task": "book it"})])]) as server:
        await store.run(desk, server.models(), approve=frozenset({"book"}))
        offered = [[tool["function"]["name"] for tool in body["tools"]] for body in server.calls]
    await close()
    assert offered == [["book", "look", "run_subtask", "run_subtasks"], ["look"], offered[0]]
    assert store.count("closed") == 3
