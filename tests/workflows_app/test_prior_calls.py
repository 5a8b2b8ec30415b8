"""The prior system's own calls exist with its signatures: seed 002's Fix 3 runs with only its imports changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mozaiks.gateway import executor
from mozaiks.protocol.errors import NotFound
from sessions_app.models import ChatSession
from tests.harness.client import Client
from workflows_app import session_manager
from workflows_app.persistence import persistence_manager

Connect = Callable[..., Awaitable[Client]]
ACTION_PLAN = {"title": "A to-do app", "steps": [{"id": "s1", "title": "Sketch it"}]}


async def _generator_workflow_tool(app_id: str, chat_id: str, event_id: str, action_plan_data: dict[str, Any]) -> str:
    """The snippet of seed 002, "Fix 3", line by line."""
    # Create persistent artifact instance
    artifact = await session_manager.create_artifact_instance(
        app_id=app_id,
        workflow_name="Generator",
        artifact_type="ActionPlan",
        initial_state={"workflow": action_plan_data},
    )

    # Attach to workflow session
    await session_manager.attach_artifact_to_session(chat_id=chat_id, artifact_id=artifact["_id"], app_id=app_id)

    # ALSO persist as last_artifact for quick UI restore
    await persistence_manager.update_last_artifact(
        chat_id=chat_id,
        app_id=app_id,
        artifact={
            "ui_tool_id": "ActionPlan",
            "event_id": event_id,
            "display": "artifact",
            "workflow_name": "Generator",
            "payload": action_plan_data,  # Can be simplified/summarized version
        },
    )
    return str(artifact["_id"])


@pytest.mark.requirement("B10", "B18", "B20", "B37", "B43", "B44", "B45", "B46", "B48", "B56", "B57")
async def test_fix_3_of_the_source_runs_with_only_its_imports_changed(connect: Connect) -> None:
    client = await connect()
    started = await client.ask("chat.start_workflow", workflow_name="Helper", message="Plan a to-do app")
    chat_id = started["chat_id"]
    await client.settle(chat_id)
    artifact_id = await _generator_workflow_tool("demo", chat_id, "event-1", ACTION_PLAN)

    session = await session_manager.get_workflow_session(chat_id, "demo")
    assert session is not None
    assert session["artifact_instance_id"] == artifact_id
    document = await session_manager.get_artifact_instance(artifact_id, "demo")
    assert document is not None
    assert document["_id"] == artifact_id
    assert document["state"] == {"workflow": ACTION_PLAN}
    assert document["last_active_chat_id"] == chat_id
    (row,) = await session_manager.list_user_sessions("demo", "alice")
    assert row["artifact_instance_id"] == artifact_id
    assert row["last_artifact"]["payload"] == ACTION_PLAN
    assert row["last_updated_at"] >= row["created_at"]

    def meta_is_sent(frame: dict[str, Any]) -> bool:
        return frame["type"] == "chat_meta" and (frame["last_artifact"] or {}).get("event_id") == "event-1"

    meta = await client.until(meta_is_sent)
    assert meta["artifact_instance_id"] == artifact_id
    assert meta["artifact_state"] == {"workflow": ACTION_PLAN}


@pytest.mark.requirement("B11")
async def test_only_the_newest_artifact_event_is_kept(connect: Connect) -> None:
    client = await connect()
    started = await client.ask("chat.start_workflow", workflow_name="Helper")
    for name in ("first", "second"):
        await persistence_manager.update_last_artifact(
            chat_id=started["chat_id"], app_id="demo", artifact={"ui_tool_id": name}
        )
    chat = await executor.read(ChatSession.objects.get, pk=started["chat_id"])
    assert chat.last_artifact == {"ui_tool_id": "second"}


@pytest.mark.requirement("law 11", "B20")
async def test_another_tenant_sees_nothing_by_the_prior_calls(connect: Connect) -> None:
    client = await connect()
    started = await client.ask("chat.start_workflow", workflow_name="Helper")
    artifact = await session_manager.create_artifact_instance("demo", "Helper", "Note", {"a": 1})
    assert await session_manager.get_artifact_instance(artifact["_id"], "other") is None
    assert await session_manager.get_workflow_session(started["chat_id"], "other") is None
    with pytest.raises(NotFound):
        await session_manager.attach_artifact_to_session(started["chat_id"], artifact["_id"], "other")
    with pytest.raises(NotFound):
        await persistence_manager.update_last_artifact(chat_id=started["chat_id"], app_id="other", artifact={})
