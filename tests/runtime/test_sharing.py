"""What AG2 offers works in a turn: children that ask people, toolkits, dependencies, agents shared by runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from ag2 import Agent, Context, Depends, Toolkit, tool

from mozaiks.llm.client import ToolCall, close
from mozaiks.llm.offline import Conversation
from mozaiks.runtime.codec import decode, encode
from mozaiks.runtime.ports import Approval, Parked
from tests.model_server import ModelServer, Reply
from tests.runtime.memory_store import MemoryStore

GOLDEN = Path(__file__).parent / "golden_events.json"


@pytest.mark.requirement("law 8")
async def test_a_child_agent_that_asks_a_person_parks_the_turn_and_hears_the_answer() -> None:
    @tool
    async def confirm(ctx: Context) -> str:
        """Ask the user."""
        return await ctx.input("Really?")

    def script(body: Any) -> Reply:
        last = body["messages"][-1]
        if last["role"] == "tool":
            return Reply(text=f"They said: {last['content']}")
        child = body["messages"][0]["content"] == "You confirm."
        return Reply(tool_calls=[("confirm", {})] if child else [("task_child", {"objective": "Confirm it"})])

    child: Any = Agent("child", "You confirm.", tools=[confirm])
    parent: Any = Agent("parent", "You lead.", tools=[child.as_tool(description="Ask the child.")])
    store = MemoryStore()
    with ModelServer(script) as server:
        with pytest.raises(Parked) as parked:
            await store.run(parent, server.models())
        [request] = parked.value.requests
        assert (request.kind, request.prompt, request.tool_name) == ("question", "Really?", "task_child")
        store.answers[request.tool_call_id] = Approval(True, "Oh yes")
        result = await store.run(parent, server.models())
        await close()
    assert result.text == "They said: They said: Oh yes"
    assert store.count("closed") == len(store.ledger) == 5  # the child began again, from its top


NAMED: Any = Agent("named", "You are asked by a tool's code.")


@pytest.mark.requirement("law 9")
async def test_an_agent_that_a_tools_code_asks_is_in_the_ledger_too() -> None:
    inner: Any = Agent("inner")

    @tool
    async def consult() -> str:
        """Ask two agents, on streams of their own."""
        first, second = await NAMED.ask("One?"), await inner.ask("Two?")
        return f"{first.body} {second.body}"

    store = MemoryStore()
    with ModelServer(
        [Reply(tool_calls=[("consult", {})]), Reply(text="1"), Reply(text="2"), Reply(text="End.")]
    ) as server:
        await store.run(Agent("a", tools=[consult]), server.models())
        await close()
    assert store.results[0].result == "1 2"
    assert store.count("closed") == len(store.ledger) == 4


async def test_toolkits_and_dependencies_work_and_are_gated_by_name() -> None:
    def currency() -> str:
        return "EUR"

    kit = Toolkit(name="money")

    @kit.tool
    async def price(of: str, unit: Annotated[str, Depends(currency)]) -> str:
        """The price."""
        return f"{of} costs 3 {unit}"

    shop: Any = Agent("shop", tools=[kit])
    store = MemoryStore()

    def respond(c: Conversation) -> Any:
        return c.tool_results[0]["content"] if c.tool_results else ToolCall("p", "price", '{"of": "tea"}')

    with pytest.raises(Parked):
        await store.run(shop, respond=respond, approve=frozenset({"price"}))
    store.answers["p"] = Approval(True)
    assert (await store.run(shop, respond=respond, approve=frozenset({"price"}))).text == "tea costs 3 EUR"


@pytest.mark.requirement("law 11")
async def test_one_agent_object_serves_many_runs_at_once_without_mixing_them() -> None:
    @tool
    async def remember(what: str, ctx: Context) -> str:
        """Remember."""
        await asyncio.sleep(0.001)
        ctx.variables["what"] = what
        return what

    child: Any = Agent("child")
    shared: Any = Agent("shared", tools=[remember, child.as_tool(description="Ask.")])

    async def one(n: int) -> MemoryStore:
        store = MemoryStore()
        calls = [
            ToolCall("r", "remember", json.dumps({"what": f"w{n}"})),
            ToolCall("c", "task_child", '{"objective": "x"}'),
        ]
        await store.run(shared, respond=lambda c: f"end {n}" if c.tool_results else calls)
        return store

    stores = await asyncio.gather(*(one(n) for n in range(20)))
    for n, store in enumerate(stores):
        assert (store.finals, store.variables) == ([f"end {n}"], {"what": f"w{n}"})
        assert store.count("closed") == len(store.ledger) == 3


@pytest.mark.requirement("law 7")
def test_events_stored_by_earlier_versions_are_read() -> None:
    for stored in json.loads(GOLDEN.read_text()):
        assert encode(decode(stored)) == stored
