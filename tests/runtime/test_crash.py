"""Law 7 and 9: a turn killed at any call to the store goes on at the last stored step."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ag2 import Agent, Context, tool
from pydantic import BaseModel

from mozaiks.llm.client import ToolCall
from mozaiks.llm.offline import Conversation
from mozaiks.runtime.ports import Artifact
from mozaiks.runtime.staging import current_tool
from tests.model_server import transcript_problem
from tests.runtime.memory_store import Crash, MemoryStore


class Plan(BaseModel):
    title: str
    days: int


class World:
    """An agent with every kind of tool, and what they did. Nothing in it survives but ``effects``."""

    def __init__(self, store: MemoryStore) -> None:
        self.transcripts: list[list[dict[str, Any]]] = []
        ran = store.effects

        @tool
        async def count(by: int, ctx: Context) -> int:
            """Add to the counter."""
            ran.append(("run", current_tool().tool_call_id))
            await asyncio.sleep(0)
            ctx.variables["n"] = ctx.variables.get("n", 0) + by
            return int(ctx.variables["n"])

        @tool
        def draft(title: str, ctx: Context) -> dict[str, Any]:
            """Save a draft (in a worker thread)."""
            ran.append(("run", current_tool().tool_call_id))
            current_tool().stage(Artifact("Draft", {"title": title}))
            ctx.variables.setdefault("titles", []).append(title)
            return {"saved": title, "__dataclass__": "subprocess.Popen", "$e": "x"}

        @tool
        async def broken() -> str:
            """Always fails."""
            ran.append(("run", current_tool().tool_call_id))
            raise ValueError("no such place")

        helper = Agent("helper", "Help.")
        self.agent: Any = Agent("planner", "Plan.", tools=[count, draft, broken, helper.as_tool(description="Ask.")])

    def respond(self, c: Conversation) -> Any:
        self.transcripts.append(c.messages)
        if "cannot be used" in str(c.messages[-1]["content"]):
            return {"title": "Three days in Rome", "days": 3}
        match len(c.tool_results):
            case 0:
                return [
                    ToolCall("a", "count", '{"by": 1}'),
                    ToolCall("b", "draft", '{"title": "Rome"}'),
                    ToolCall("c", "broken", "{}"),
                ]
            case 3:
                return [ToolCall("d", "count", '{"by": 10}'), ToolCall("e", "task_helper", '{"objective": "Look"}')]
        return '{"title": 7}'


async def run(store: MemoryStore) -> Any:
    world = World(store)
    try:
        return await store.run(world.agent, respond=world.respond, output_schema=Plan)
    finally:
        for messages in world.transcripts:
            assert transcript_problem({"messages": messages}) is None
            assert messages[0] == {"role": "system", "content": "Plan."}


def assert_finished(store: MemoryStore, result: Any) -> None:
    assert result.output == {"title": "Three days in Rome", "days": 3}
    assert store.finals == [json.dumps(result.output)]
    assert result.variables == store.variables == {"n": 11, "titles": ["Rome"]}
    assert [artifact.state for artifact in store.artifacts] == [{"title": "Rome"}]
    by_id = {info.tool_call_id: info for info in store.results}
    assert len(store.results) == len(by_id) == 5
    assert by_id["b"].result == {"saved": "Rome", "__dataclass__": "subprocess.Popen", "$e": "x"}
    assert (by_id["c"].status, by_id["c"].error) == ("error", "ValueError: no such place")
    for position, (what, key) in enumerate(store.effects):
        assert what != "stored" or ("run", key) not in store.effects[position:], "a finished tool ran again"
    messages = [step.message for step in store.steps if step.message]
    assert len({message.message_id for message in messages}) == len(messages) == 4
    assert [message.final for message in messages] == [False, False, False, True]
    assert result.message_id == messages[-1].message_id


async def test_a_turn_with_tools_a_child_and_a_repair_runs() -> None:
    store = MemoryStore()
    assert_finished(store, await run(store))
    assert store.count("closed") == len(store.ledger) == 5  # four of the agent's, one of the child's


CALLS_OF_A_CLEAN_RUN = 23


@pytest.mark.requirement("law 7", "law 9", "A41", "A42", "A52")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS_OF_A_CLEAN_RUN + 1))
async def test_a_turn_killed_at_any_call_to_the_store_finishes_the_same(at: int, when: Any) -> None:
    store = MemoryStore(crash_at=at, crash_when=when)
    with pytest.raises(Crash):
        await run(store)
    store.crash_at = None
    assert_finished(store, await run(store))
    assert store.count("closed") >= 5
    assert len(store.ledger) <= 6, "more than the one model call in flight was made again"


@pytest.mark.requirement("law 7")
async def test_the_number_of_store_calls_in_the_kill_test_is_up_to_date() -> None:
    store = MemoryStore()
    await run(store)
    assert store.calls == CALLS_OF_A_CLEAN_RUN


@pytest.mark.requirement("law 7")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_turn_killed_again_and_again_finishes_the_same(when: Any) -> None:
    store, result = MemoryStore(crash_when=when), None
    for attempt in range(200):
        store.crash_at = store.calls + 2 + attempt % 6
        try:
            result = await run(store)
        except Crash:
            continue
        break
    assert_finished(store, result)
