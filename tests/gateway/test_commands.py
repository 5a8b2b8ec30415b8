"""Every command of the registry: what it answers and does, what it refuses, and that it counts once (law 4).

A command that is registered and has no row here fails the first test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from mozaiks.accounts.principal import Principal
from mozaiks.gateway import registry as commands
from sessions_app.models import ChatSession, LoggedEvent, QueuedMessage, UserSession
from workflows_app.models import Run

from .scene import (
    Connect,
    World,
    answered_by_meta_and_replay,
    database,
    everything,
    things_of,
)

Fields = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One command: a body that is accepted, the names in its data, and how it names what may be somebody else's."""

    fields: Callable[[World], Fields]
    data: set[str]
    names: str | None = None
    what: str = "chat"
    follows: Callable[[World, Fields], str] | None = None
    check: Callable[[World, Fields], Awaitable[None]] | None = None
    needs: tuple[str, ...] = ("helper",)


def nothing(world: World) -> Fields:
    return {}


STATE = {
    "protocol", "app_id", "user_id", "session_version", "mode", "active_chat_id", "general_chat_id",
    "default_chat_id", "tabs", "limits", "model",
}  # fmt: skip
GENERAL = {"mode", "general_chat_id", "general_chat_label", "general_chat_sequence", "paused"}


async def has_started(world: World, data: Fields) -> None:
    chat = await database(ChatSession.objects.get, pk=data["chat_id"])
    assert (chat.workflow_name, chat.title) == ("Helper", "Mine")
    session = await database(UserSession.objects.get, user__username="alice")
    assert (str(session.active_chat_id), session.mode) == (data["chat_id"], "workflow")
    assert data["cache_seed"] == chat.pk.int % 2**31


async def is_active(world: World, data: Fields) -> None:
    assert data["to_chat_id"] == world.helper
    session = await database(UserSession.objects.get, user__username="alice")
    assert (str(session.active_chat_id), session.mode) == (world.helper, "workflow")


async def was_said(world: World, data: Fields) -> None:
    assert data["status"] == "accepted"
    event = await database(LoggedEvent.objects.get, chat_id=world.helper, seq=data["seq"])
    assert (event.payload["content"], event.source) == ("And now?", "user")


async def was_answered(world: World, data: Fields) -> None:
    assert (data["status"], data["response"], data["by"]) == ("answered", {"text": "Ada"}, "alice")
    event = await database(LoggedEvent.objects.get, chat_id=world.asking, seq=data["seq"])
    assert event.type == "chat.input_resolved"


async def is_general(world: World, data: Fields) -> None:
    session = await database(UserSession.objects.get, user__username="alice")
    assert (session.mode, str(session.general_chat_id)) == ("general", data["general_chat_id"])
    assert data["general_chat_label"] == f"General Chat #{data['general_chat_sequence']}"
    assert data["paused"] == [world.asking]


async def is_named(world: World, data: Fields) -> None:
    assert (await database(ChatSession.objects.get, pk=world.helper)).title == data["title"] == "Another name"


async def is_gone(world: World, data: Fields) -> None:
    await world.alice.until(lambda frame: frame.get("removed") == world.helper)
    assert (await database(ChatSession.objects.get, pk=world.helper)).deleted_at is not None
    assert (await world.alice.refused("chat.open", chat_id=world.helper))["code"] == "NOT_FOUND"


async def is_complete(world: World, data: Fields) -> None:
    assert data["status"] == (await database(ChatSession.objects.get, pk=world.helper)).status == "COMPLETED"
    assert (await world.alice.event("chat.status", world.helper))["data"] == {"status": "COMPLETED"}


async def is_paused(world: World, data: Fields) -> None:
    assert data == {"run_state": "paused"}
    assert (await world.alice.event("chat.paused", world.helper))["data"] == {"reason": "user"}


async def was_retried(world: World, data: Fields) -> None:
    run = await database(Run.objects.get, pk=data["run_id"])
    assert (str(run.chat_id), run.cause) == (world.failed, "retry")


async def is_closed(world: World, data: Fields) -> None:
    assert world.helper not in data["tabs"]
    assert (await database(ChatSession.objects.get, pk=world.helper)).status == "IN_PROGRESS"


async def is_reordered(world: World, data: Fields) -> None:
    assert data["tabs"] == [world.asking, world.helper, world.failed]
    state = await world.alice.ask("session.list")
    assert [tab["chat_id"] for tab in state["tabs"]][:3] == data["tabs"]


async def is_changed(world: World, data: Fields) -> None:
    assert [queued["text"] for queued in data["queue"]] == ["Better"]
    frame = await world.alice.until(lambda f: f["type"] == "chat.queue" and f["queue"] == data["queue"])
    assert frame["chat_id"] == world.helper


async def is_withdrawn(world: World, data: Fields) -> None:
    assert data == {"chat_id": world.helper, "queue": []}
    await world.alice.until(lambda frame: frame["type"] == "chat.queue" and not frame["queue"])
    assert not await database(QueuedMessage.objects.exists)


async def is_read(world: World, data: Fields) -> None:
    assert data == {"unread": 0}


async def is_unfollowed(world: World, data: Fields) -> None:
    await world.alice.ask("user.input.submit", chat_id=world.asking, text="Ada")
    other = await world.alice.ask("chat.rename", chat_id=world.helper, title="Elsewhere")
    assert other["title"] == "Elsewhere"
    frame = await world.alice.until(lambda f: f["type"] == "session.updated" and f["chat"]["label"] == "Elsewhere")
    assert frame["chat"]["chat_id"] == world.helper


def to_chat(key: str) -> Callable[[World, Fields], str]:
    return lambda world, data: str(data[key])


def named(name: str, **more: Any) -> Callable[[World], Fields]:
    return lambda world: {"chat_id": getattr(world, name), **more}


ROWS: dict[str, Row] = {
    "session.hello": Row(lambda world: {"protocol": 1, "cursors": {}}, {*STATE, "refused"}),
    "session.list": Row(nothing, STATE),
    "ping": Row(lambda world: {"nonce": "n"}, {"nonce"}),
    "command.status": Row(lambda world: {"command_id": "never"}, {"status"}),
    "chat.open": Row(
        named("helper"), {"chat_id", "epoch", "last_seq", "min_seq"}, "chat_id", follows=to_chat("chat_id")
    ),
    "chat.close": Row(named("helper"), {"chat_id"}, "chat_id", check=is_unfollowed, needs=("helper", "asking")),
    "client.resume": Row(
        named("helper", lastClientIndex=-1),
        {"chat_id", "epoch", "last_seq", "min_seq"},
        "chat_id",
        follows=to_chat("chat_id"),
    ),
    "chat.start_workflow": Row(
        lambda world: {"workflow_name": "Helper", "title": "Mine"},
        {"chat_id", "workflow_name", "cache_seed", "run_id"},
        follows=to_chat("chat_id"),
        check=has_started,
    ),
    "chat.switch_workflow": Row(
        named("helper"),
        {"from_chat_id", "to_chat_id", "workflow_name", "artifact_id"},
        "chat_id",
        follows=to_chat("to_chat_id"),
        check=is_active,
    ),
    "user.input.submit": Row(
        named("helper", text="And now?"), {"chat_id", "seq", "status", "run_id"}, "chat_id", check=was_said
    ),
    "ui_tool_response": Row(
        lambda world: {"input_request_id": world.request, "response": {"text": "Ada"}},
        {"input_request_id", "chat_id", "status", "response", "by", "seq"},
        "input_request_id",
        "request",
        check=was_answered,
        needs=("asking",),
    ),
    "chat.queue.update": Row(
        lambda world: {"chat_id": world.helper, "queued_id": world.queued, "text": "Better"},
        {"chat_id", "queue"},
        "chat_id",
        check=is_changed,
        needs=("queued",),
    ),
    "chat.queue.remove": Row(
        lambda world: {"chat_id": world.helper, "queued_id": world.queued},
        {"chat_id", "queue"},
        "chat_id",
        check=is_withdrawn,
        needs=("queued",),
    ),
    "chat.pause": Row(named("helper"), {"run_state"}, "chat_id", check=is_paused),
    "chat.resume": Row(named("helper"), {"run_state"}, "chat_id"),
    "chat.stop": Row(named("helper", run_id=str(uuid4())), {"stopped"}, "chat_id"),
    "chat.retry": Row(named("failed"), {"run_id"}, "chat_id", check=was_retried, needs=("failed",)),
    "chat.complete": Row(named("helper"), {"status"}, "chat_id", check=is_complete),
    "chat.enter_general_mode": Row(
        nothing, GENERAL, "general_chat_id", "general", to_chat("general_chat_id"), is_general, ("asking", "general")
    ),
    "chat.start_general_chat": Row(
        nothing, GENERAL, follows=to_chat("general_chat_id"), check=is_general, needs=("asking",)
    ),
    "tab.close": Row(named("helper"), {"chat_id", "tabs"}, "chat_id", check=is_closed),
    "tab.reorder": Row(
        lambda world: {"chat_ids": [world.asking, world.helper]},
        {"tabs"},
        "chat_ids",
        check=is_reordered,
        needs=("helper", "asking", "failed"),
    ),
    "chat.rename": Row(named("helper", title="Another name"), {"chat_id", "title"}, "chat_id", check=is_named),
    "chat.delete": Row(named("helper"), {"chat_id"}, names="chat_id", check=is_gone),
    "chat.seen": Row(named("helper", seq=99), {"unread"}, "chat_id", check=is_read),
}


@pytest.mark.requirement("law 4")
def test_every_registered_command_has_a_row() -> None:
    assert set(ROWS) == set(commands.all_commands())


@pytest.mark.requirement("law 4", "PROTOCOL 2")
@pytest.mark.parametrize("name", ROWS)
async def test_a_command_answers_with_its_data_has_its_effect_and_counts_once(world: World, name: str) -> None:
    row, client = ROWS[name], (await world.make(*ROWS[name].needs)).alice
    fields = {**row.fields(world), "id": "the-one"}
    first = await client.result(name, **fields)
    assert first["ok"], first
    assert (first["duplicate"], set(first["data"])) == (False, row.data)
    if row.follows is not None:
        await answered_by_meta_and_replay(client, row.follows(world, first["data"]))
    if row.check is not None:
        await row.check(world, first["data"])
    if not commands.all_commands()[name].schema.claimed:
        assert await client.ask("command.status", command_id="the-one") == {"status": "unknown"}
        return
    await client.drain(0.15)
    before = await database(everything)
    again = await client.result(name, **fields)
    assert again == {**first, "duplicate": True}
    if row.follows is not None:
        await answered_by_meta_and_replay(client, row.follows(world, again["data"]))
    await client.drain(0.15)
    assert await database(everything) == before
    status = await client.ask("command.status", command_id="the-one")
    assert status == {"status": "committed", "result": first["data"]}
    other, body = "tab.reorder", {"chat_ids": [] if name != "tab.reorder" else [world.helper]}
    assert (await client.refused(other, id="the-one", **body))["code"] == "ID_REUSED"
    assert await database(everything) == before


@pytest.mark.requirement("PROTOCOL 2", "law 13")
async def test_an_unknown_field_is_refused_by_its_name(world: World) -> None:
    await world.make("general", "helper", "asking", "failed")
    before = await database(everything)
    for name, row in ROWS.items():
        error = await world.alice.refused(name, **row.fields(world), surprise=1)
        assert error["code"] == "SCHEMA_VALIDATION_FAILED", name
        assert "surprise" in error["message"], name
    assert await database(everything) == before


@pytest.mark.requirement("law 11")
async def test_somebody_elses_looks_like_nothing_at_all(world: World, connect: Connect) -> None:
    await world.make("general", "helper", "asking", "failed", "foreign")
    carol = await connect("carol", app="other")
    others = await things_of(carol)
    before = await database(everything)
    for name, row in ROWS.items():
        if row.names is None:
            continue
        answers = []
        for target in (str(uuid4()), world.foreign[row.what], others[row.what]):
            value: Any = [target] if row.names == "chat_ids" else target
            answers.append(await world.alice.refused(name, **{**row.fields(world), row.names: value}))
        assert answers[0]["code"] == "NOT_FOUND", (name, answers)
        assert answers[0] == answers[1] == answers[2], name
    hello = await world.alice.ask("session.hello", protocol=1, cursors={world.foreign["chat"]: {"seq": 0}})
    assert hello["refused"] == [{"chat_id": world.foreign["chat"], "code": "NOT_FOUND"}]
    text = await world.alice.refused("user.input.submit", text="x", input_request_id=world.foreign["request"])
    assert text["code"] == "NOT_FOUND"
    await world.alice.drain(0.1)
    assert world.foreign["chat"] not in world.alice.chats
    assert await database(everything) == before


@pytest.mark.requirement("law 11", "S4")
async def test_a_viewer_reads_and_changes_nothing(connect: Connect, world: World) -> None:
    await world.make("general", "helper", "asking", "failed")
    vera = await connect("vera")
    for name, registered in commands.all_commands().items():
        result = await vera.result(name, **ROWS[name].fields(world))
        forbidden = not result["ok"] and result["error"]["code"] == "FORBIDDEN"
        assert forbidden is not registered.viewers, (name, result)
    assert not await database(ChatSession.objects.filter(owner__username="vera").exists)


def test_the_principal_is_never_in_a_body(people: dict[str, Principal]) -> None:
    """Law 11: no command has a field that says who asks or for which app."""
    for registered in commands.all_commands().values():
        assert not {"app_id", "app", "user", "owner"} & set(registered.schema.model_fields), registered.schema
