"""The model of the kill tests, in a process of its own, so that no kill touches what it has counted.

Rule: what it says depends on the whole transcript without its ids: an agent that lost or doubled a step of its memory
says something else, and the content no longer equals an unkilled run's.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kill import plain
from tests.model_server import ModelServer, Reply

NOTES = [("note", {"text": "water"}), ("note", {"text": "maps"})]


def answer(body: dict[str, Any]) -> Reply | None:
    """The reply to a request, by who asks and how far its transcript is; None: made of the request's own words."""
    messages = body["messages"]
    system = str(messages[0].get("content", ""))
    said = _digest(messages)
    if system.startswith("You are Ask Mozaiks"):
        return Reply(text=_speech("Ask says", _digest(messages[1:]), 40))
    if "You are the scout" in system:
        return _scout(messages, said)
    if "You are the planner" in system:
        return Reply(
            json={"title": f"Outing {said}", "hours": [f"{hour} o'clock, stop {hour}" for hour in range(9, 15)]}
        )
    if "You are the quant" in system and "parts" in str(body.get("response_format")):
        return Reply(json={"reason": f"Estimate {said}", "parts": [f"part {n}: {n * 7} EUR" for n in range(1, 7)]})
    if "You are the clerk" in system:
        posted = any(message["role"] == "tool" for message in messages)
        return Reply(text="It is done.") if posted else Reply(tool_calls=[("post_letter", {"to": "Ada"})])
    return None


def _scout(messages: list[dict[str, Any]], said: str) -> Reply:
    spoken = sum(message["role"] == "assistant" for message in messages)
    match spoken:
        case 0:
            return Reply(text=_speech("First the notes", said, 14), tool_calls=NOTES)
        case 1:
            return Reply(tool_calls=[("sketch", {"idea": f"A walk {said}", "stops": ["mill", "lake"]})])
        case 2:
            return Reply(text=_speech("Now the place", said, 10), tool_calls=[("reserve", {"place": "the boat house"})])
        case _:
            return Reply(text=_speech("All is ready", said, 20))


def _speech(opening: str, said: str, words: int) -> str:
    return " ".join([opening, said, *(f"word{number}" for number in range(words))]) + "."


def _digest(messages: list[dict[str, Any]]) -> str:
    return sha256(plain.request({"messages": messages}).encode()).hexdigest()[:8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--token-delay", type=float, default=0.004)
    options = parser.parse_args()
    server = ModelServer(answer, log=options.log, token_delay=options.token_delay).start()
    print(json.dumps({"url": server.url}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
