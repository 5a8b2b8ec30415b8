"""Outing's tools. Each leaves its effect in a file outside the database, under its key, for the test to count."""

import os

from ag2 import Context

from mozaiks.authoring import publish_artifact, tool_key


def note(text: str, context: Context) -> str:
    """Note something to bring."""
    leave_effect("note", text)
    context.variables[f"note_{text}"] = "noted"
    return f"Noted: {text}."


def sketch(idea: str, stops: list[str]) -> str:
    """Publish a first idea."""
    leave_effect("sketch", idea)
    publish_artifact("Sketch", {"idea": idea, "stops": stops})
    return "The sketch is shown."


def reserve(place: str) -> str:
    """Reserve a place; a person approves it first."""
    leave_effect("reserve", place)
    return f"Reserved {place}."


def leave_effect(tool: str, what: str) -> None:
    """One line that is on the disk when this returns."""
    chat, turn, call = tool_key()
    with open(os.environ["KILL_EFFECTS"], "a", encoding="utf-8") as effects:
        effects.write(f"{chat}/{turn}/{call}\t{tool}\t{what}\n")
        effects.flush()
        os.fsync(effects.fileno())
