"""The scenario of seed 002 on the small local model: it tests the protocol and the product, never wording."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.harness.client import Client, connected
from tests.harness.live import ROOT, LiveServer
from workflows_app.definitions import load_folder

SHIPPED = ROOT / "workflows_app" / "shipped"
LONG = 240.0
"""Seconds a small model on a busy machine may take for one turn."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder: Path = tmp_path_factory.mktemp("local")
    server = LiveServer(folder, LLM_MODEL="local", WORKFLOWS_DIRS="")
    server.start(wait=False)
    server.wait_ready(300)
    yield server
    server.close()


@pytest.mark.local_llm
@pytest.mark.requirement("B1", "B2", "B3", "A5", "A53")
@pytest.mark.parametrize("user", ["alice", "bob", "dora"])
async def test_the_scenario_on_the_local_model(server: LiveServer, user: str) -> None:
    async with connected(server.ws_url, server.token(user)) as client:
        state = await client.hello()
        assert state["model"]["kind"] == "local"
        plan = await _plan(client)
        investment = await _run(client, "MozaiksCapital", "Invest 20000 EUR for 10 years at moderate risk")
        _check(investment, "MozaiksCapital", "InvestmentData")
        await _ask(client)
        switched = await client.ask("chat.switch_workflow", chat_id=plan["chat_id"])
        assert switched["artifact_id"] == plan["artifact_id"]
        assert _deltas(client), "nothing was streamed"


async def _plan(client: Client) -> dict[str, Any]:
    """Generator up to its plan, approved."""
    started = await client.ask(
        "chat.start_workflow", workflow_name="Generator", message="Plan a to-do app for families"
    )
    chat_id = started["chat_id"]
    for response in ({"audience": "families"}, {"approved": True}):
        request = await client.event("chat.input_request", chat_id, LONG)
        await client.answer(request, response)
    await client.event("chat.run_complete", chat_id, LONG)
    artifact = client.chats[chat_id].of("chat.artifact")[-1]
    _check(artifact, "Generator", "ActionPlan")
    assert _usage(client, chat_id) > 0
    # what needs a tool is computed by the product: no turn hangs on the model choosing one
    assert all(event["data"]["status"] == "ok" for event in client.chats[chat_id].of("chat.tool_response"))
    return {"chat_id": chat_id, "artifact_id": artifact["data"]["artifact_id"]}


async def _run(client: Client, workflow: str, message: str) -> dict[str, Any]:
    started = await client.ask("chat.start_workflow", workflow_name=workflow, message=message)
    ended = await client.event("chat.run_complete", started["chat_id"], LONG)
    assert ended["data"]["status"] == "completed", ended
    assert _usage(client, started["chat_id"]) > 0
    return client.chats[started["chat_id"]].of("chat.artifact")[-1]


async def _ask(client: Client) -> None:
    general = await client.ask("chat.enter_general_mode")
    await client.ask("user.input.submit", text="What am I working on?")
    ended = await client.event("chat.run_complete", general["general_chat_id"], LONG)
    assert ended["data"]["status"] == "completed", ended
    assert client.chats[general["general_chat_id"]].texts()[-1][1].strip()


def _check(event: dict[str, Any], workflow: str, artifact_type: str) -> None:
    """The artifact is of its type, has content, and is valid by the workflow's own schema."""
    assert event["data"]["artifact_type"] == artifact_type
    state = event["data"]["state"]
    schema = load_folder(SHIPPED / workflow, known_workflows={"Generator", "Investor"}).artifacts[artifact_type]
    assert schema is not None
    jsonschema.validate(state, schema.model_json_schema())
    assert len(json.dumps(state)) > 500


def _usage(client: Client, chat_id: str) -> int:
    return int(client.chats[chat_id].of("chat.run_complete")[-1]["data"]["usage"]["total_tokens"])


def _deltas(client: Client) -> list[dict[str, Any]]:
    return [frame for frame in client.frames if frame["type"] == "chat.delta" and frame["text"]]
