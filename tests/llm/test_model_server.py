"""The tests' own model server, seen through another's client: it is the peer that everything else is tested with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from mozaiks.llm import ModelEntry, ModelList
from tests.llm.conftest import Chat
from tests.model_server import ModelServer, Reply, transcript_problem

ROOT = Path(__file__).resolve().parents[2]
ASK: list[Any] = [{"role": "user", "content": "Plan a bicycle shop in Lyon"}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "find", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}},
}


@pytest.fixture
def client(server: ModelServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="any", max_retries=0) as made:
        yield made


def test_the_openai_client_understands_it_streamed_and_not(server: ModelServer, client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="m", messages=ASK)
    stream = client.chat.completions.create(
        model="m", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    tokens = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(tokens) == whole.choices[0].message.content
    assert len(set(tokens)) == len(tokens) > 5
    assert chunks[-1].usage == whole.usage
    assert [line["event"] for line in server.ledger] == ["call", "completion"] * 2


def test_it_fills_a_schema_and_calls_tools_when_told_to(server: ModelServer, client: openai.OpenAI) -> None:
    schema: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["car", "bicycle"]}}}
    shaped = client.chat.completions.create(model="m", messages=ASK, response_format=schema)
    assert json.loads(shaped.choices[0].message.content or "") == "bicycle"
    assert not client.chat.completions.create(model="m", messages=ASK, tools=[TOOL]).choices[0].message.tool_calls
    server.tools = True
    called = client.chat.completions.create(model="m", messages=ASK, tools=[TOOL]).choices[0]
    assert called.finish_reason == "tool_calls"
    assert called.message.tool_calls


def test_its_faults_are_what_the_openai_client_takes_them_for(server: ModelServer, client: openai.OpenAI) -> None:
    server.script([Reply(status=429), Reply(status=500), Reply(status=400)])
    for kind in (openai.RateLimitError, openai.InternalServerError, openai.BadRequestError):
        with pytest.raises(kind):
            client.chat.completions.create(model="m", messages=ASK)
    assert [line["status"] for line in server.ledger if line["event"] == "refused"] == [429, 500, 400]


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "1"}
BAD_TRANSCRIPTS: list[list[dict[str, Any]]] = [
    [],
    [{"role": "nobody", "content": "x"}],
    [{"role": "user", "content": None}],
    [RESULT],
    [*ASK, {"role": "assistant", "tool_calls": [CALL]}],
    [*ASK, {"role": "assistant", "tool_calls": [CALL]}, *ASK],
    [*ASK, {"role": "assistant", "tool_calls": [CALL]}, RESULT, RESULT],
]


@pytest.mark.parametrize("messages", BAD_TRANSCRIPTS, ids=[str(number) for number in range(len(BAD_TRANSCRIPTS))])
def test_a_transcript_a_provider_would_refuse_is_refused(messages: list[dict[str, Any]]) -> None:
    assert transcript_problem({"messages": messages})


def test_a_whole_transcript_is_accepted() -> None:
    assert transcript_problem({"messages": [*ASK, {"role": "assistant", "tool_calls": [CALL]}, RESULT, *ASK]}) is None


async def test_a_script_takes_each_reply_once_and_by_what_it_matches(server: ModelServer) -> None:
    server.script([Reply(text="twice", times=2), Reply(text="for cars", match="car"), Reply(text="last")])
    chat = Chat(server.models())
    said = [(await chat.ask(text)).text for text in ("a", "b", "bike", "car")]
    assert said == ["twice", "twice", "last", "for cars"]
    assert (await chat.ask("free")).text.startswith("Reply")


async def test_the_same_request_gets_the_same_answer_and_another_gets_another(server: ModelServer) -> None:
    chat = Chat(server.models())
    first, second, third = [await chat.ask(text) for text in ("bicycle", "bicycle", "car")]
    assert first.text == second.text != third.text


async def test_it_runs_as_a_program_with_a_ledger_and_takes_a_script_while_it_runs(tmp_path: Path) -> None:
    log = tmp_path / "ledger.jsonl"
    command = [sys.executable, str(ROOT / "tests" / "model_server.py"), "--log", str(log), "--token-delay", "0.01"]
    elsewhere = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=tmp_path, env=elsewhere
    )
    try:
        assert process.stdout is not None
        ready, url = (await process.stdout.readline()).decode().split()
        assert ready == "READY"
        chat = Chat(ModelList((ModelEntry(name="m", kind="openai", model="m", base_url=url),)))
        started = time.monotonic()
        answer = await chat.ask()
        assert time.monotonic() - started > 0.1
        await _post(url.removesuffix("/v1"), [{"text": "scripted"}])
        assert (await chat.ask()).text == "scripted"
    finally:
        process.kill()
        await process.communicate()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["call", "completion"] * 2
    assert lines[0]["id"] == lines[1]["id"]
    assert lines[0]["body"]["messages"] == ASK
    assert answer.usage is not None
    assert lines[1]["completion_tokens"] == answer.usage.completion_tokens


async def _post(address: str, script: list[dict[str, Any]]) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        (await client.post(f"{address}/script", json=script)).raise_for_status()
