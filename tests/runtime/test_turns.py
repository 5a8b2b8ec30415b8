"""Turns over a real HTTP model server: transcripts, streaming, answers of a shape, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from ag2 import Agent, Context, tool
from ag2.events import BaseEvent, ModelMessageChunk
from ag2.tools import ToolResult
from pydantic import BaseModel

from mozaiks.llm.client import ToolCall, close
from mozaiks.llm.entries import ModelEntry, ModelList
from mozaiks.llm.errors import ModelInterrupted, ModelTruncated
from mozaiks.runtime.ports import StopTurn, TurnFailed
from tests.model_server import ModelServer, Reply, transcript_problem
from tests.runtime.memory_store import Crash, MemoryStore, Recorded, until


class Verdict(BaseModel):
    ok: bool
    reason: str


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(autouse=True)
async def no_connection_left() -> Any:
    yield
    await close()


@tool
async def look(place: str) -> str:
    """Look."""
    if place == "nowhere":
        raise LookupError("no such place")
    return f"{place} is there"


@tool
def stop_here(answer: str) -> ToolResult:
    """The answer itself."""
    return ToolResult(answer, final=True)


def agent(**wanted: Any) -> Any:
    return Agent("scout", tools=[look, stop_here], **wanted)


def assert_valid(server: ModelServer) -> None:
    assert server.calls
    for body in server.calls:
        assert transcript_problem(body) is None
    assert not [line for line in server.ledger if line["event"] == "refused"]


# ------------------------------------------------------------------------------------------------ transcripts


@pytest.mark.requirement("B49", "law 7")
async def test_two_turns_on_one_stream_are_one_valid_transcript(server: ModelServer) -> None:
    server.script(
        [
            Reply(tool_calls=[("look", {"place": "Rome"}), ("look", {"place": "nowhere"}), ("fly", {})]),
            Reply(text="Rome, then."),
            Reply(tool_calls=[("look", {"place": "Oslo"})]),
            Reply(text="Oslo too."),
        ]
    )
    store = MemoryStore()
    first = await store.run(agent(), server.models(), input="Where?")
    second = await store.run(agent(), server.models(), input="And now?", number=2)
    assert (first.text, second.text) == ("Rome, then.", "Oslo too.")
    assert first.message_id != second.message_id
    assert_valid(server)
    last = server.calls[-1]["messages"]
    assert [message["role"] for message in last] == [
        "user", "assistant", "tool", "tool", "tool", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
    assert [message["content"] for message in last if message["role"] == "tool"] == [
        "Rome is there",
        "Error: LookupError: no such place",
        "Error: ToolNotFoundError: Tool `fly` not found",
        "Oslo is there",
    ]


@pytest.mark.requirement("law 13")
async def test_whatever_a_model_sends_as_calls_the_next_request_is_valid(server: ModelServer) -> None:
    ran: list[Any] = []

    @tool
    async def note(text: str = "none") -> str:
        """Note."""
        ran.append(text)
        return text

    def script(body: Any) -> Reply:
        if body["messages"][-1]["role"] == "tool":
            return Reply(text="Good.")
        calls = ['{"text": "cu', "[1]", '"x"', {"__ctx__": 1, "stack": 2}, {"text": "fine"}, {"text": "\ud800\u0000"}]
        return Reply(tool_calls=[("note", call) for call in calls] + [("no such tool!", {})])

    server.script(script)
    store = MemoryStore()
    scout: Any = Agent("scout", tools=[note])
    assert (await store.run(scout, server.models())).text == "Good."
    assert (await store.run(scout, server.models(), number=2)).text == "Good."
    assert_valid(server)
    assert "fine" in ran
    assert "cu" not in ran
    assert "none" not in ran, "a call whose arguments were cut off was run without them"
    for message in server.calls[-1]["messages"]:
        for call in message.get("tool_calls") or []:
            assert call["function"]["name"].replace("_", "").isalnum()


@pytest.mark.requirement("law 7")
async def test_call_ids_that_a_server_repeats_are_told_apart(server: ModelServer) -> None:
    store = MemoryStore()

    def respond(c: Any) -> Any:
        n = len(c.tool_results)
        return ToolCall("call_0", "look", f'{{"place": "p{n}"}}') if n < 3 else str(c.tool_results)

    await store.run(agent(), respond=respond)
    ids = [info.tool_call_id for info in store.results]
    assert len(set(ids)) == 3
    assert [info.result for info in store.results] == [f"p{n} is there" for n in range(3)]


@pytest.mark.requirement("law 7")
async def test_a_turn_that_ended_badly_leaves_a_transcript_the_next_can_use(server: ModelServer) -> None:
    server.script([Reply(tool_calls=[("look", {"place": "Rome"})]), Reply(text="On we go.")])
    store = MemoryStore()
    store.raise_at["begin_tool"] = StopTurn("cancelled")
    with pytest.raises(StopTurn):
        await store.run(agent(), server.models())
    store.raise_at.clear()
    result = await store.run(agent(), server.models(), number=2, input="Never mind.")
    assert result.text == "On we go."
    assert_valid(server)
    assert "Not completed." in str(server.calls[-1]["messages"])


# -------------------------------------------------------------------------------------------------- streaming


@pytest.mark.requirement("A53")
async def test_tokens_go_to_the_fan_out_and_not_through_ag2(server: ModelServer) -> None:
    server.script([Reply(tokens=400)])
    seen: list[BaseEvent] = []

    class Watch:
        name = "watch"

        def register(self, stack: Any, context: Context) -> None:
            async def note(event: BaseEvent) -> None:
                seen.append(event)

            stack.enter_context(context.stream.sub_scope(note))

    store, deltas = MemoryStore(), Recorded()
    result = await store.run(agent(observers=[Watch()]), server.models(), deltas=deltas)
    assert len(deltas.pushed) >= 100
    assert deltas.text(result.message_id, 1) == result.text
    assert not any(isinstance(event, ModelMessageChunk) for event in seen)
    assert len(seen) < 10


@pytest.mark.requirement("law 9")
async def test_an_answer_that_breaks_off_is_a_failed_call_and_the_turn_can_run_again(server: ModelServer) -> None:
    server.script([Reply(tokens=20, cut="clean"), Reply(text="Whole.")])
    store, deltas = MemoryStore(), Recorded()
    with pytest.raises(ModelInterrupted):
        await store.run(agent(), server.models(), deltas=deltas)
    assert (store.count("failed"), store.finals) == (1, [])
    result = await store.run(agent(), server.models(), deltas=deltas)
    assert (result.text, store.finals) == ("Whole.", ["Whole."])
    assert {attempt for message, _, attempt, _ in deltas.pushed if message == result.message_id} == {1, 2}
    assert deltas.text(result.message_id, 2) == "Whole."
    assert [event["kind"] for event in store.rows] == ["request", "response"]


@pytest.mark.requirement("law 9")
async def test_each_entry_that_is_tried_has_its_row_in_the_ledger(server: ModelServer) -> None:
    dead = ModelEntry(name="dead", kind="openai", model="m", base_url="http://127.0.0.1:9/v1")
    server.script([Reply(text="Here.")])
    store = MemoryStore()
    await store.run(agent(), ModelList((dead, server.entry())))
    assert [(row["entry"], row["status"]) for row in store.ledger.values()] == [
        ("dead", "failed"),
        (server.entry().name, "closed"),
    ]


@pytest.mark.requirement("law 9")
async def test_usage_a_server_does_not_report_is_none(server: ModelServer) -> None:
    server.script([Reply(text="Hi.", usage=False)])
    store = MemoryStore()
    await store.run(agent(), server.models())
    assert store.steps[0].call is not None
    assert store.steps[0].call.usage is None


@pytest.mark.requirement("A52", "law 9")
async def test_a_cancelled_turn_closes_the_models_stream_and_is_not_swallowed(server: ModelServer) -> None:
    server.script([Reply(endless=True, token_delay=0.01)])
    store, deltas = MemoryStore(), Recorded()
    task = asyncio.ensure_future(store.run(agent(), server.models(), deltas=deltas))
    await until(lambda: len(deltas.pushed) >= 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: server.disconnects)
    assert [event["kind"] for event in store.rows] == ["request"]


# ---------------------------------------------------------------------------------------- answers of a shape


@pytest.mark.requirement("B59")
@pytest.mark.parametrize("schema", [Verdict, Verdict.model_json_schema()], ids=["pydantic", "json schema"])
async def test_an_answer_of_the_wrong_shape_is_asked_for_again_and_only_the_good_one_is_final(
    server: ModelServer, schema: Any
) -> None:
    server.script([Reply(text="Fine!"), Reply(text='{"ok": "perhaps"}'), Reply(json={"ok": True, "reason": "cheap"})])
    store = MemoryStore()
    result = await store.run(agent(), server.models(), output_schema=schema)
    assert result.output == {"ok": True, "reason": "cheap"}
    assert [step.message.final for step in store.steps if step.message] == [False, False, True]
    assert [step.message.output for step in store.steps if step.message] == [None, None, result.output]
    assert all(body["response_format"]["type"] == "json_schema" for body in server.calls)
    assert_valid(server)


@pytest.mark.requirement("B59")
async def test_an_answer_that_never_fits_fails_with_a_sentence(server: ModelServer) -> None:
    server.script(lambda body: Reply(text='{"ok": 1}'))
    store = MemoryStore()
    with pytest.raises(
        TurnFailed, match=r"'scout' gave no answer of the shape asked for, also when asked 2 more times: .*reason.*\."
    ):
        await store.run(agent(), server.models(), output_schema=Verdict)
    assert len(server.calls) == 3
    assert store.finals == []
    server.script(lambda body: Reply(json={"ok": True, "reason": "at last"}))  # a person retries the turn
    assert (await store.run(agent(), server.models(), output_schema=Verdict)).output == {
        "ok": True,
        "reason": "at last",
    }
    assert len(store.finals) == 1


@pytest.mark.requirement("B59")
@pytest.mark.parametrize(
    "text", ['```json\n{"ok": true, "reason": "x"}\n```', 'Sure: {"ok": true, "reason": "x"} Bye.']
)
async def test_json_with_words_around_it_is_read(server: ModelServer, text: str) -> None:
    server.script([Reply(text=text)])
    result = await MemoryStore().run(agent(), server.models(), output_schema=Verdict)
    assert result.output == {"ok": True, "reason": "x"}


async def test_the_agents_own_response_schema_counts_where_the_turn_names_none(server: ModelServer) -> None:
    server.script([Reply(json={"ok": False, "reason": "dear"})])
    result = await MemoryStore().run(agent(response_schema=Verdict), server.models())
    assert result.output == {"ok": False, "reason": "dear"}


async def test_an_answer_cut_at_the_length_limit_is_asked_for_again_shorter(server: ModelServer) -> None:
    server.script([Reply(text="A long one", finish_reason="length"), Reply(text="Short.")])
    store = MemoryStore()
    assert (await store.run(agent(), server.models())).text == "Short."
    assert (store.count("failed"), store.finals) == (1, ["Short."])
    server.script(lambda body: Reply(text="A long one", finish_reason="length"))
    with pytest.raises(ModelTruncated):
        await store.run(agent(), server.models(), number=2)
    assert_valid(server)


# -------------------------------------------------------------------------------------------- ending the turn


@pytest.mark.requirement("A52", "law 6")
@pytest.mark.parametrize("where", ["open_call", "begin_tool", "commit", "append", "approval"])
async def test_what_the_store_raises_ends_the_turn_unchanged_before_the_next_model_call(
    server: ModelServer, where: str
) -> None:
    server.script([Reply(tool_calls=[("look", {"place": "Rome"}), ("look", {"place": "Oslo"})]), Reply(text="x")])
    store = MemoryStore()
    stop = StopTurn("paused")
    store.raise_at[where] = stop
    with pytest.raises(StopTurn) as caught:
        await store.run(agent(), server.models(), approve=frozenset({"look"} if where == "approval" else ()))
    assert caught.value is stop
    assert len(server.calls) == (0 if where in ("open_call", "append") else 1)
    assert "Error" not in str(store.rows)


@pytest.mark.requirement("A52")
async def test_a_stop_in_one_tool_ends_its_siblings() -> None:
    ended: list[str] = []
    started, go = asyncio.Event(), asyncio.Event()

    @tool
    async def slow() -> str:
        """Slow."""
        started.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("slow")
            raise
        return "slow"

    @tool
    async def quick() -> str:
        """Quick, once it may."""
        await go.wait()
        return "quick"

    store = MemoryStore()
    scout: Any = Agent("scout", tools=[slow, quick])
    calls = [ToolCall("s", "slow", "{}"), ToolCall("q", "quick", "{}")]
    task = asyncio.ensure_future(store.run(scout, respond=lambda c: calls))
    await asyncio.wait_for(started.wait(), 5)
    store.raise_at["commit"] = StopTurn("paused")
    go.set()
    with pytest.raises(StopTurn):
        await asyncio.wait_for(task, 5)
    assert ended == ["slow"]


async def test_a_turn_that_asks_the_model_too_often_fails_with_a_sentence(server: ModelServer) -> None:
    server.script(lambda body: Reply(tool_calls=[("look", {"place": "Rome"})]))
    with pytest.raises(TurnFailed, match="more than 5 times"):
        await MemoryStore().run(agent(), server.models(), max_model_calls=5)
    assert len(server.calls) == 5


@pytest.mark.requirement("law 7")
@pytest.mark.parametrize("at", [None, *range(1, 9)])
async def test_a_tool_may_give_the_answer_itself_also_after_a_crash(server: ModelServer, at: int | None) -> None:
    def script(body: Any) -> Reply:
        if body["messages"][-1]["role"] == "tool":
            return Reply(text="The model had nothing to say here.")
        return Reply(tool_calls=[("stop_here", {"answer": "42"}), ("slow", {})])

    @tool
    async def slow() -> str:
        """Ends after the answer was given."""
        await until(lambda: store.results)
        return "late"

    server.script(script)
    scout: Any = Agent("scout", tools=[slow, stop_here])
    store = MemoryStore(crash_at=at, crash_when="after")
    if at is not None:
        with pytest.raises(Crash):
            await store.run(scout, server.models())
        store.crash_at = None
    result = await store.run(scout, server.models())
    assert (result.text, store.finals) == ("42", ["42"])
    assert len(server.calls) <= 2
    server.script([Reply(text="Next.")])
    await store.run(scout, server.models(), number=2)
    assert_valid(server)


async def test_a_tool_that_asks_on_its_own_stream_is_told_so_instead_of_waiting_for_itself(server: ModelServer) -> None:
    other: Any = Agent("other")

    @tool
    async def nested(ctx: Context) -> str:
        """Ask another agent on this stream."""
        return str((await other.ask("hi", stream=ctx.stream)).body)

    server.script([Reply(tool_calls=[("nested", {})]), Reply(text="Done.")])
    scout: Any = Agent("scout", tools=[nested])
    result = await asyncio.wait_for(MemoryStore().run(scout, server.models()), 10)
    assert result.text == "Done."
    assert "stream of its own turn" in str(server.calls[-1]["messages"])
