"""Every command of the registry: what it answers and does, what it refuses, and that it counts once (law 4).

A command that is registered and has no row here fails the first test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from django.utils import timezone

from general_chat.models import GeneralChatSession
from mozaiks.accounts.principal import Principal
from mozaiks.gateway import registry as commands
from sessions_app.models import ChatSession, CommandClaim, LoggedEvent, ModelCall, QueuedMessage, UserSession
from tests.harness.client import Client
from workflows_app.models import InputRequest, Run

from .conftest import Connect, database, open_request, start

Fields = dict[str, Any]


@dataclass
class World:
    """alice's chats in the states that a command may meet, made when they are needed; and bob's like them."""

    alice: Client
    connect: Connect
    helper: str = ""
    asking: str = ""
    failed: str = ""
    general: str = ""
    request: str = ""
    queued: str = str(UUID(int=0))
    foreign: dict[str, str] = field(default_factory=dict)

    async def make(self, *parts: str) -> World:
        for part in parts:
            await getattr(self, f"_make_{part}")()
        await self.alice.drain(0.05)
        return self

    async def _make_helper(self) -> None:
        self.helper = await start(self.alice)

    async def _make_asking(self) -> None:
        self.asking = await start(self.alice, "Interview", activate=False)
        self.request = open_request(self.alice, self.asking)["data"]["input_request_id"]

    async def _make_failed(self) -> None:
        self.failed = await start(self.alice, "Looper", activate=False)

    async def _make_queued(self) -> None:
        await self._make_helper()
        await self.alice.ask("chat.pause", chat_id=self.helper)
        said = await self.alice.ask("user.input.submit", chat_id=self.helper, text="Later")
        self.queued = said["queued_id"]

    async def _make_general(self) -> None:
        self.general = (await self.alice.ask("chat.enter_general_mode"))["general_chat_id"]
        await self.alice.ask("chat.switch_workflow")

    async def _make_foreign(self) -> None:
        self.foreign = await things_of(await self.connect("bob"))


async def things_of(client: Client) -> dict[str, str]:
    """A chat, a general chat and an open request of that user."""
    chat = await start(client, "Interview")
    request = open_request(client, chat)["data"]["input_request_id"]
    general = (await client.ask("chat.enter_general_mode"))["general_chat_id"]
    return {"chat": chat, "general": general, "request": request}


@pytest_asyncio.fixture
async def world(connect: Connect) -> AsyncIterator[World]:
    yield World(await connect("alice"), connect)


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


@pytest.mark.requirement("B65", "PROTOCOL 2")
async def test_switch_without_a_chat_takes_the_oldest_in_progress_or_none(alice: Client) -> None:
    switched = await alice.ask("chat.switch_workflow")
    assert switched == {"from_chat_id": None, "to_chat_id": None, "workflow_name": None, "artifact_id": None}
    first, second = await start(alice, message=None), await start(alice, message=None)
    assert (await alice.ask("chat.switch_workflow"))["to_chat_id"] == first
    await alice.ask("chat.complete", chat_id=first)
    assert (await alice.ask("chat.switch_workflow"))["to_chat_id"] == second
    # a completed chat can be switched to and read
    assert (await alice.ask("chat.switch_workflow", chat_id=first))["from_chat_id"] == second


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_refused_switch_changes_nothing(world: World) -> None:
    await world.make("general", "helper", "foreign")
    await world.alice.ask("chat.enter_general_mode")
    before = await database(everything)
    for target in (world.general, world.foreign["chat"], str(uuid4())):
        assert (await world.alice.refused("chat.switch_workflow", chat_id=target))["code"] == "NOT_FOUND"
    after = await database(everything)
    assert after == before


@pytest.mark.requirement("A33", "A34", "PROTOCOL 7")
async def test_a_start_is_refused_with_its_reason(alice: Client, limits: Callable[..., None]) -> None:
    unknown = await alice.refused("chat.start_workflow", workflow_name="Nobody")
    assert unknown["code"] == "WORKFLOW_NOT_FOUND"
    locked = await alice.refused("chat.start_workflow", workflow_name="TripPlanner", message="Lisbon")
    assert locked["code"] == "WORKFLOW_PREREQS_NOT_MET"
    assert "Budget" in locked["message"]
    limits(unfinished_runs_per_user=1)
    await start(alice, "Interview")
    full = await alice.refused("chat.start_workflow", workflow_name="Helper", message="Hi", id="later")
    assert (full["code"], full["retryable"]) == ("RATE_LIMITED", True)
    assert (await alice.ask("command.status", command_id="later")) == {"status": "unknown"}
    limits(unfinished_runs_per_user=5)
    later = await alice.ask("chat.start_workflow", workflow_name="Helper", message="Hi", id="later")
    await alice.settle(later["chat_id"])
    limits(tokens_per_user_day=1)
    assert (await alice.refused("chat.start_workflow", workflow_name="Helper"))["code"] == "BUDGET_EXCEEDED"
    assert await database(ChatSession.objects.count) == 2


@pytest.mark.requirement("B49", "PROTOCOL 2")
async def test_a_start_without_a_message_waits_for_the_first_one(alice: Client) -> None:
    started = await alice.ask("chat.start_workflow", workflow_name="Helper", activate=False)
    assert started["run_id"] is None
    assert (await alice.ask("session.list"))["active_chat_id"] is None
    said = await alice.ask("user.input.submit", chat_id=started["chat_id"], text="Now")
    assert said["status"] == "accepted"
    await alice.settle(started["chat_id"])
    run = alice.chats[started["chat_id"]].of("chat.run_start")[0]
    assert (run["data"]["run_id"], run["data"]["cause"]) == (said["run_id"], "start")


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_message_goes_to_the_chat_in_front(alice: Client) -> None:
    nowhere = await alice.refused("user.input.submit", text="Hello?")
    assert nowhere["code"] == "NOT_FOUND"
    helper = await start(alice, message=None)
    assert (await alice.ask("user.input.submit", text="To the workflow"))["chat_id"] == helper
    await alice.settle(helper)
    general = (await alice.ask("chat.enter_general_mode"))["general_chat_id"]
    assert (await alice.ask("user.input.submit", text="To Ask"))["chat_id"] == general
    await alice.ask("chat.switch_workflow", chat_id=helper)
    assert (await alice.ask("user.input.submit", text="Back"))["chat_id"] == helper


@pytest.mark.requirement("PROTOCOL 2", "PROTOCOL 7")
async def test_a_message_that_cannot_be_taken_is_refused(world: World, limits: Callable[..., None]) -> None:
    await world.make("general", "helper")
    alice = world.alice
    for text in ("", "   \n"):
        error = await alice.refused("user.input.submit", chat_id=world.helper, text=text)
        assert error["code"] == "SCHEMA_VALIDATION_FAILED"
        assert "text" in error["message"]
    limits(queued_messages=1)
    await alice.ask("chat.pause", chat_id=world.helper)
    queued = await alice.ask("user.input.submit", chat_id=world.helper, text="Later")
    assert set(queued) == {"chat_id", "status", "queued_id"}
    assert (await alice.refused("user.input.submit", chat_id=world.helper, text="Too much"))["code"] == "CONFLICT"
    busy = await alice.refused("user.input.submit", chat_id=world.helper, text="Now", on_busy="reject")
    assert (busy["code"], busy["retryable"]) == ("CHAT_BUSY", True)
    await alice.ask("chat.complete", chat_id=world.helper)
    for name, more in (("user.input.submit", {"text": "Hi"}), ("chat.pause", {}), ("chat.resume", {}),
                       ("chat.retry", {}), ("chat.complete", {})):  # fmt: skip
        assert (await alice.refused(name, chat_id=world.helper, **more))["code"] == "CHAT_CLOSED", name
    limits(tokens_per_user_day=1)
    spent = await alice.refused("user.input.submit", chat_id=world.general, text="Hi")
    assert spent["code"] == "BUDGET_EXCEEDED"


@pytest.mark.requirement("D2", "PROTOCOL 2")
async def test_completing_a_chat_ends_its_run_and_its_queue(world: World) -> None:
    await world.make("asking")
    alice, chat_id = world.alice, world.asking
    await alice.ask("chat.pause", chat_id=chat_id)
    await alice.ask("user.input.submit", chat_id=chat_id, text="Ada")
    assert (await alice.ask("user.input.submit", chat_id=chat_id, text="Later"))["status"] == "queued"
    await alice.ask("chat.complete", chat_id=chat_id)
    await alice.event("chat.status", chat_id)
    log = alice.chats[chat_id]
    assert [event["data"]["status"] for event in log.of("chat.run_complete")] == ["cancelled"]
    assert len(log.of("chat.run_start")) == 1
    await alice.drain(0.3)
    assert not await database(Run.objects.filter(chat=UUID(chat_id), status__in=Run.UNFINISHED).exists)
    assert not await database(QueuedMessage.objects.filter(chat=UUID(chat_id)).exists)
    chat = await database(ChatSession.objects.get, pk=chat_id)
    assert (chat.status, chat.run_state) == ("COMPLETED", "idle")


@pytest.mark.requirement("law 8", "PROTOCOL 2", "PROTOCOL 7")
async def test_a_question_is_answered_once(world: World) -> None:
    await world.make("asking")
    alice, request = world.alice, world.request
    wrong = await alice.refused("ui_tool_response", input_request_id=request, response={"approved": True})
    assert wrong["code"] == "SCHEMA_VALIDATION_FAILED"
    assert "response" in wrong["message"]
    first = await alice.ask("ui_tool_response", input_request_id=request, response={"text": "Ada"})
    second = await alice.ask("ui_tool_response", input_request_id=request, response={"text": "Bob"})
    assert (second["already"], second["response"]) == (True, first["response"])
    as_text = await alice.ask("user.input.submit", text="Eve", input_request_id=request, chat_id=world.asking)
    assert as_text["status"] == "answered"
    await alice.settle(world.asking)
    assert len(alice.chats[world.asking].of("chat.input_resolved")) == 1


@pytest.mark.requirement("law 8", "PROTOCOL 7")
async def test_a_question_that_is_over_says_so(world: World) -> None:
    await world.make("asking")
    alice = world.alice
    one = InputRequest.objects.filter(pk=world.request)
    await database(one.update, expires_at=timezone.now())
    late = await alice.refused("ui_tool_response", input_request_id=world.request, response={"text": "Ada"})
    assert late["code"] == "INPUT_EXPIRED"
    await database(one.update, expires_at=None)
    run = await database(Run.objects.get, chat_id=world.asking)
    assert (await alice.ask("chat.stop", chat_id=world.asking, run_id=str(run.pk))) == {"stopped": True}
    gone = await alice.refused("ui_tool_response", input_request_id=world.request, response={"text": "Ada"})
    assert gone["code"] == "INPUT_ALREADY_RESOLVED"


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_plain_message_answers_the_one_open_question(world: World) -> None:
    await world.make("asking")
    said = await world.alice.ask("user.input.submit", chat_id=world.asking, text="Ada")
    assert said["status"] == "answered"
    resolved = await world.alice.event("chat.input_resolved", world.asking)
    assert (resolved["seq"], resolved["data"]["response"]) == (said["seq"], {"text": "Ada"})
    assert await world.alice.settle(world.asking) == "chat.run_complete"


@pytest.mark.requirement("PROTOCOL 7")
async def test_what_does_not_fit_the_chats_state_is_a_conflict(world: World) -> None:
    await world.make("general", "helper", "failed")
    alice = world.alice
    assert (await alice.refused("chat.retry", chat_id=world.helper))["code"] == "CONFLICT"
    assert (await alice.refused("chat.pause", chat_id=world.failed))["code"] == "CONFLICT"
    assert (await alice.refused("chat.resume", chat_id=world.failed))["code"] == "CONFLICT"
    assert (await alice.refused("chat.complete", chat_id=world.general))["code"] == "CONFLICT"
    for name, more in (("chat.queue.remove", {}), ("chat.queue.update", {"text": "x"})):
        gone = await alice.refused(name, chat_id=world.helper, queued_id=str(uuid4()), **more)
        assert gone["code"] == "NOT_FOUND"
    blank = await alice.refused("chat.queue.update", chat_id=world.helper, queued_id=str(uuid4()), text=" ")
    assert blank["code"] == "SCHEMA_VALIDATION_FAILED"
    twice = await alice.refused("tab.reorder", chat_ids=[world.helper, world.helper])
    assert twice["code"] == "SCHEMA_VALIDATION_FAILED"
    stopped = await alice.ask("chat.stop", chat_id=world.helper, run_id=str(uuid4()))
    assert stopped == {"stopped": False}


@pytest.mark.requirement("law 4")
async def test_a_final_refusal_is_kept_and_takes_back_what_was_written(alice: Client, connect: Connect) -> None:
    refused = await alice.result("chat.start_workflow", workflow_name="TripPlanner", id="locked")
    assert not refused["ok"]
    again = await (await connect("alice")).result("chat.start_workflow", workflow_name="TripPlanner", id="locked")
    assert (again["error"], again["duplicate"]) == (refused["error"], True)
    status = await alice.ask("command.status", command_id="locked")
    assert (status["status"], status["result"]["code"]) == ("refused", "WORKFLOW_PREREQS_NOT_MET")
    assert not await database(ChatSession.objects.exists)


@pytest.mark.requirement("law 4", "law 11")
async def test_ids_are_each_users_own(alice: Client, connect: Connect) -> None:
    bob = await connect("bob")
    mine = await alice.ask("chat.start_workflow", workflow_name="Helper", id="same")
    theirs = await bob.ask("chat.start_workflow", workflow_name="Helper", title="x", id="same")
    assert mine["chat_id"] != theirs["chat_id"]


@pytest.mark.requirement("law 4")
async def test_the_same_command_on_many_sockets_at_once_counts_once(connect: Connect) -> None:
    sockets = [await connect("alice") for _ in range(6)]
    for socket in sockets:
        await socket.send("chat.start_workflow", workflow_name="Helper", message="Once", id="race")
    results = [await one.until(lambda frame: frame.get("re") == "race") for one in sockets]
    assert len({result["data"]["chat_id"] for result in results}) == 1
    assert sorted(result["duplicate"] for result in results) == [False] + [True] * 5
    assert await database(ChatSession.objects.count) == 1


async def answered_by_meta_and_replay(client: Client, chat_id: str) -> None:
    """What follows the result: chat_meta, then the replay of section 5, and no event of the chat before it."""
    wanted = {"chat_meta", "replay.begin", "replay.end"}
    seen: list[str] = []
    while not seen or seen[-1] != "replay.end":
        frame = await client.next()
        if frame.get("chat_id") == chat_id and (frame["type"] in wanted or "event_id" in frame):
            seen.append(frame["type"])
            assert frame.get("replay", True) or "event_id" not in frame
    assert seen[:2] == ["chat_meta", "replay.begin"], seen


def everything() -> dict[str, Any]:
    """What the database holds that a command can change."""
    chats = ChatSession.objects.order_by("pk").values_list("pk", "status", "title", "last_seq", "run_state", "seen_seq")
    sessions = UserSession.objects.order_by("pk").values_list("pk", "mode", "active_chat_id", "general_chat_id", "tabs")
    return {
        "chats": list(chats),
        "sessions": list(sessions),
        "events": LoggedEvent.objects.count(),
        "runs": list(Run.objects.order_by("pk").values_list("pk", "status")),
        "queue": list(QueuedMessage.objects.order_by("pk").values_list("pk", "text")),
        "calls": ModelCall.objects.count(),
        "general": GeneralChatSession.objects.count(),
        "requests": list(InputRequest.objects.order_by("pk").values_list("pk", "status")),
        "claims of chats": CommandClaim.objects.filter(ok=True).count(),
    }


def test_the_principal_is_never_in_a_body(people: dict[str, Principal]) -> None:
    """Law 11: no command has a field that says who asks or for which app."""
    for registered in commands.all_commands().values():
        assert not {"app_id", "app", "user", "owner"} & set(registered.schema.model_fields), registered.schema
