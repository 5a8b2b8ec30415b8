"""Yesterday's conversations parse today: tests/golden holds logs as they were sent. Append to it, never edit it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mozaiks.protocol.digest import first_digest, next_digest
from mozaiks.protocol.events import EVENTS, InputRequested, parse_event

GOLDEN = sorted((Path(__file__).resolve().parent.parent / "golden").glob("*.jsonl"))
NOT_YET_RECORDED = {"chat.tool_call", "chat.tool_response"}
"""Events that the recorded conversations do not hold; test_an_event_is_its_wire_form covers them."""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.requirement("A40", "law 1", "B22")
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_old_log_parses_and_means_what_it_meant(path: Path) -> None:
    logged = lines(path)
    assert [event["seq"] for event in logged] == list(range(1, len(logged) + 1))
    for frame in logged:
        event = parse_event(frame["type"], frame["data"])
        assert event is not None, frame["type"]
        # New optional fields may be added to what was said; nothing of it may be lost or changed.
        assert {**event.data(), **frame["data"]} == event.data()


def test_the_recorded_logs_hold_every_event_there_is() -> None:
    seen = {event["type"] for path in GOLDEN for event in lines(path)}
    assert set(EVENTS) - seen - NOT_YET_RECORDED == set()


def test_a_digest_follows_the_order_of_a_log() -> None:
    for path in GOLDEN:
        logged = lines(path)
        digests = [first_digest(logged[0]["epoch"])]
        for event in logged:
            digests.append(next_digest(digests[-1], event["event_id"]))
        assert len(set(digests)) == len(logged) + 1


SAMPLES: dict[str, dict[str, Any]] = {
    "chat.tool_call": {"tool_call_id": "c1", "tool_name": "search", "arguments": {"q": "a"}},
    "chat.tool_response": {"tool_call_id": "c1", "tool_name": "search", "status": "ok", "result": [1]},
    "chat.error": {"code": "MODEL_UNAVAILABLE", "message": "No model answered.", "retryable": True},
    "chat.input_request": {
        "input_request_id": "5b0d6a4e-5c3f-4f4c-9a6c-0a51d1f0a001",
        "kind": "question",
        "prompt": "Which?",
        "schema": None,
        "options": ["a", "b"],
    },
}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_is_its_wire_form(name: str) -> None:
    event = parse_event(name, SAMPLES[name])
    assert event is not None
    assert event.data() == SAMPLES[name]


def test_what_a_later_version_adds_is_ignored() -> None:
    assert parse_event("chat.hologram", {"beam": 1}) is None
    event = parse_event("chat.paused", {"reason": "user", "mood": "calm"})
    assert event is not None
    assert event.data() == {"reason": "user"}
    assert "input_schema" in InputRequested.model_fields
