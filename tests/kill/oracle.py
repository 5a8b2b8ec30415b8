"""What must be true of a killed server, each promise under a name, so that a planted fault is caught by name.

Rule: the oracle believes the client's own log, the database read from outside, the model server's record and the tools'
file, and compares them with each other and with a run that nobody killed.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mozaiks.protocol.digest import first_digest, next_digest
from tests.kill import plain
from tests.kill.stage import Stage

IN_FLIGHT = {"before_first_delta", "mid_delta", "last_delta_before_commit", "ask_streaming"}
"""Points at which one model call is open: its outcome died with the process."""
GOES_ON_WITHIN = 5.0
RESPONSE = "response"
"""The codec's name for a model's answer."""


class Broken(AssertionError):
    """A promise that was not kept, by its name."""

    def __init__(self, promise: str, seen: Any) -> None:
        super().__init__(f"{promise}: {str(seen)[:3000]}")
        self.promise = promise


def must(promise: str, kept: bool, seen: Any) -> None:
    """Raise ``Broken`` unless the promise is kept."""
    if not kept:
        raise Broken(promise, seen)


@dataclass
class Seen:
    """Everything about one person's scenario, without ids: what must be equal with and without kills."""

    events: list[list[Any]]
    rows: list[Any]
    asked: Counter[str]
    answers: Counter[tuple[str, str]]
    effects: Counter[tuple[str, str]]


@dataclass
class Oracle:
    """The oracle of one person's scenario on a stage."""

    stage: Stage
    person: str
    kills: list[str] = field(default_factory=list)
    finished_calls: dict[str, int] = field(default_factory=dict)
    at_kill: list[dict[str, Any]] = field(default_factory=list)
    calls_at_kill: int = 0

    def __post_init__(self) -> None:
        self.first_call = len(self.stage.calls())
        self.first_effect = len(self.stage.effects())

    # at a kill

    def after_kill(self, point: str) -> None:
        """The server is down: what is in the database must be whole; how far it is is kept."""
        self.kills.append(point)
        self.at_kill, self.calls_at_kill = self.runs(), len(self._calls())
        self.check_logs()
        done = {key for key, _ in self._finished_tool_calls()}
        counts = Counter(key for key, _, _ in self._effects())
        self.finished_calls |= {key: counts[key] for key in done}

    def check_goes_on(self, ready: float) -> None:
        """Every run that was queued or running at the kill goes on by itself, nobody being connected."""
        stuck = [run for run in self.at_kill if run["status"] in ("queued", "running")]
        while stuck and len(self._calls()) == self.calls_at_kill:
            now = {run["id"]: (run["status"], run["last_seq"]) for run in self.runs()}
            stuck = [run for run in stuck if now[run["id"]] == (run["status"], run["last_seq"])]
            took = time.monotonic() - ready
            must("a run goes on by itself within 5 s", not stuck or took < GOES_ON_WITHIN, (took, stuck))
            time.sleep(0.02)

    def settle(self, within: float = 30.0) -> None:
        """Wait, with nobody connected, until every run waits or has ended."""
        end = time.monotonic() + within
        while busy := [run for run in self.runs() if run["status"] in ("queued", "running")]:
            must(
                "a run comes to rest with nobody connected",
                time.monotonic() < end,
                (busy, self.stage.server.log()[-2000:]),
            )
            time.sleep(0.03)

    # at any time

    def check_logs(self) -> None:
        """Every log is dense and its chain of digests fits."""
        for chat in self._chats():
            events = self._events(chat["id"])[: chat["last_seq"]]  # more may have come since
            numbers = [one["seq"] for one in events]
            must("a log is dense", numbers == list(range(1, chat["last_seq"] + 1)), (chat, events))
            digest = first_digest(chat["epoch"])
            for one in events:
                digest = next_digest(digest, one["event_id"])
                must("the digests of a log are a chain", one["digest"] == digest, one)
            must("the digests of a log are a chain", chat["digest"] == digest, chat)

    def check_client(self, logs: dict[str, Any]) -> None:
        """What the client holds of every chat is the log, by its own digest."""
        for chat in self._chats():
            held = logs[chat["id"]]
            must(
                "the client's digest is the log's", held.digest == chat["digest"] and held.seq == chat["last_seq"], chat
            )
            stored = [(one["seq"], one["event_id"], one["type"]) for one in self._events(chat["id"])]
            seen = [(one["seq"], one["event_id"], one["type"]) for one in held.events]
            must("the client holds what is stored", seen == stored, (seen, stored))

    def check_commands(self, sent: list[str]) -> None:
        """Every command that was sent is claimed exactly once, and nothing else is."""
        found = self.stage.database.rows(
            "SELECT command_id FROM sessions_app_commandclaim "
            "WHERE user_id = (SELECT _id FROM accounts_user WHERE username = ?)",
            self.person,
        )
        claimed = Counter(row["command_id"] for row in found)
        must("a command counts once", claimed == Counter(sent), (claimed, sent))

    def check_tools(self, reference: Seen | None = None) -> None:
        """A finished tool call never ran again; one that was killed after its effect ran again under the same key."""
        effects = self._effects()
        counts = Counter(key for key, _, _ in effects)
        for key, at_kill in self.finished_calls.items():
            must("a finished tool call is not repeated", counts[key] == at_kill, (key, at_kill, effects))
        must(
            "a killed tool call runs again under the same key",
            max(counts.values(), default=0) <= 1 + len(self.kills),
            effects,
        )
        if reference is not None:
            left = {(tool, what) for _, tool, what in effects}
            must("every effect is there", left == set(reference.effects), effects)
            keys = {key for key, _, _ in effects}
            must(
                "a killed tool call runs again under the same key",
                len(keys) == sum(reference.effects.values()),
                effects,
            )
            repeated = len(effects) - len(keys)
            allowed = self.kills.count("tool_after_effect") * 2 + self.kills.count("inside_publish_artifact")
            must("a finished tool call is not repeated", repeated <= allowed, effects)

    def check_ledger(self) -> None:
        """The ledger's totals are the model server's own, but for calls in flight at a kill, which are ``unknown``."""
        rows = self.ledger()
        by_status = Counter(row["status"] for row in rows)
        lines = self._calls()
        calls = [line for line in lines if line["event"] == "call"]
        finished = Counter(_tokens(line) for line in lines if line["event"] == "completion")
        done = Counter(_tokens(row) for row in rows if row["status"] == "done")
        unknown = [row for row in rows if row["status"] == "unknown"]
        seen = (by_status, len(calls), done, finished, self.kills)
        must("no ledger row stays open", not by_status["open"], seen)
        must("every model call has its ledger row", len(calls) <= len(rows), seen)
        must("a ledger row is a call", len(rows) - len(calls) <= self.kills.count("before_first_delta"), seen)
        must("done rows are answers the model server gave", done <= finished, seen)
        in_flight = sum(point in IN_FLIGHT for point in self.kills)
        must("a call in flight at a kill is listed as unknown", len(unknown) == in_flight, seen)
        must(
            "a call in flight at a kill is listed as unknown",
            by_status.total() == by_status["done"] + len(unknown),
            seen,
        )
        must("an unknown figure is null, not zero", all(_tokens(row) == (None, None) for row in unknown), unknown)
        lost = finished - done
        must("totals are the model server's", lost.total() <= in_flight, seen)
        answers = self.committed_answers()
        must("a token is counted once, with its step", by_status["done"] == answers, (seen, answers))

    def check_repeats(self, reference: Seen) -> None:
        """At most the one call in flight is made again, and none is left out."""
        asked = self._asked()
        must("every question to the model is asked", not reference.asked - asked, reference.asked - asked)
        in_flight = sum(point in IN_FLIGHT for point in self.kills)
        again = asked - reference.asked
        must("at most the call in flight is repeated", again.total() <= in_flight, again)

    def check_equal(self, seen: Seen, reference: Seen) -> None:
        """The content equals an unkilled run's."""
        events = plain.difference(seen.events, reference.events)
        must("the content equals an unkilled run's", seen.events == reference.events, events)
        must(
            "the state equals an unkilled run's",
            seen.rows == reference.rows,
            plain.difference(seen.rows, reference.rows),
        )
        must(
            "the work paid for equals an unkilled run's",
            seen.answers == reference.answers,
            (seen.answers, reference.answers),
        )

    def check_usage(self, token: str) -> None:
        """What a user is shown are the ledger's sums."""
        rows = self.ledger()
        known = [row for row in rows if row["status"] == "done"]
        totals = self.stage.get("usage/demo", token)["totals"]
        sums = sum(row["prompt_tokens"] for row in known), sum(row["completion_tokens"] for row in known)
        must(
            "the sums shown are the ledger's",
            (totals["prompt_tokens"], totals["completion_tokens"]) == sums,
            (totals, sums),
        )
        for chat in self._chats():
            for one in self._events(chat["id"]):
                if one["type"] == "chat.run_complete":
                    of_run = [row for row in known if row["run_id"] == one["payload"]["run_id"]]
                    usage = one["payload"]["usage"]
                    mine = sum(r["prompt_tokens"] for r in of_run), sum(r["completion_tokens"] for r in of_run)
                    shown = usage["prompt_tokens"], usage["completion_tokens"]
                    must("the sums shown are the ledger's", shown == mine, (usage, mine))

    def seen(self, chats: tuple[str, ...]) -> Seen:
        """The person's scenario without ids."""
        rows = []
        for chat_id in chats:
            chat = next(one for one in self._chats() if one["id"] == chat_id)
            wanted = ("kind", "status", "title", "workflow_name", "run_state", "pause_reason", "waiting", "last_seq")
            versions = self.stage.database.rows(
                "SELECT i.artifact_type, v.number, v.state, v.author FROM artifacts_artifactversion v "
                "JOIN artifacts_artifactinstance i ON i._id = v.artifact_id "
                "JOIN artifacts_artifactbinding b ON b.artifact_id = i._id "
                "WHERE b.chat_id = ? ORDER BY i.artifact_type, v.number",
                chat_id,
            )
            session = self.stage.database.rows(
                "SELECT variables, route_last, turn_count FROM workflows_app_workflowsession WHERE chat_id = ?", chat_id
            )
            rows.append(plain.content([{name: chat[name] for name in wanted}, versions, session]))
        return Seen(
            events=[
                plain.events([{**one, "data": one["payload"]} for one in self._events(chat_id)]) for chat_id in chats
            ],
            rows=rows,
            asked=self._asked(),
            answers=Counter((row["workflow_name"], row["agent"]) for row in self.ledger() if row["status"] == "done"),
            effects=Counter((tool, what) for _, tool, what in self._effects()),
        )

    def runs(self) -> list[dict[str, Any]]:
        """The person's runs, with how far their chats' logs are."""
        return self.stage.database.rows(
            "SELECT r._id AS id, r.status, r.fence, c.last_seq FROM workflows_app_run r "
            "JOIN sessions_app_chatsession c ON c._id = r.chat_id "
            "WHERE c.owner_id = (SELECT _id FROM accounts_user WHERE username = ?)",
            self.person,
        )

    def heads(self) -> dict[str, int]:
        """How far each chat's log is."""
        return {chat["id"]: chat["last_seq"] for chat in self._chats()}

    def state(self) -> str:
        """Chats, runs and ledger as they are: for a failure's report, and to see whether anything changes."""
        chats = [(one["workflow_name"], one["run_state"], one["waiting"], one["last_seq"]) for one in self._chats()]
        ledger = sorted(Counter(row["status"] for row in self.ledger()).items())
        return f"chats {sorted(chats)}, runs {sorted(map(str, self.runs()))}, ledger {ledger}"

    # reading

    def _chats(self) -> list[dict[str, Any]]:
        return self.stage.database.rows(
            "SELECT _id AS id, kind, status, title, workflow_name, run_state, pause_reason, waiting, epoch, last_seq, "
            "digest FROM sessions_app_chatsession WHERE owner_id = (SELECT _id FROM accounts_user WHERE username = ?)",
            self.person,
        )

    def _events(self, chat_id: str) -> list[dict[str, Any]]:
        return self.stage.database.rows(
            "SELECT seq, event_id, digest, type, source, payload FROM sessions_app_loggedevent "
            "WHERE chat_id = ? ORDER BY seq",
            chat_id,
        )

    def ledger(self) -> list[dict[str, Any]]:
        return self.stage.database.rows(
            "SELECT run_id, status, workflow_name, agent, attempt, prompt_tokens, completion_tokens "
            "FROM sessions_app_modelcall WHERE user_id = (SELECT _id FROM accounts_user WHERE username = ?)",
            self.person,
        )

    def committed_answers(self) -> int:
        """Model responses that agents remember, and Ask's replies."""
        stored = self.stage.database.rows(
            "SELECT s.payload FROM workflows_app_storedevent s JOIN sessions_app_chatsession c ON c._id = s.chat_id "
            "WHERE c.owner_id = (SELECT _id FROM accounts_user WHERE username = ?)",
            self.person,
        )
        agents = sum(row["payload"]["kind"] == RESPONSE for row in stored)
        replies = sum(
            one["type"] == "chat.text" and one["source"] == "general_agent"
            for chat in self._chats()
            for one in self._events(chat["id"])
        )
        return agents + replies

    def _finished_tool_calls(self) -> list[tuple[str, str]]:
        """(key, tool) of every call whose result is stored."""
        found = []
        for chat in self._chats():
            for one in self._events(chat["id"]):
                if one["type"] == "chat.tool_response":
                    found.append((one["payload"]["tool_call_id"], one["payload"]["tool_name"]))
        return found

    def _calls(self) -> list[dict[str, Any]]:
        return self.stage.calls()[self.first_call :]

    def _asked(self) -> Counter[str]:
        return Counter(plain.request(line["body"]) for line in self._calls() if line["event"] == "call")

    def _effects(self) -> list[tuple[str, str, str]]:
        """(tool call id, tool, what): the id is the last part of the key, and one chat's ids are not another's."""
        return [(key.rsplit("/", 1)[-1], tool, what) for key, tool, what in self.stage.effects()[self.first_effect :]]


def _tokens(row: dict[str, Any]) -> tuple[int | None, int | None]:
    return row["prompt_tokens"], row["completion_tokens"]
