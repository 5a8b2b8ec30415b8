"""Ask Mozaiks without a model server: answers from the live facts by rule, and says what it cannot know."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mozaiks.llm import Conversation

from .context import LiveContext

STATE_WORDS = {
    "idle": "is at rest",
    "queued": "is about to run",
    "running": "is running",
    "waiting": "waits for your answer",
    "pausing": "is about to pause",
    "paused": "is paused",
    "failed": "failed and can be retried",
}


def responder(context: LiveContext) -> Callable[[Conversation], str]:
    """The rule-based answer to a conversation, over these facts."""

    def respond(conversation: Conversation) -> str:
        question = conversation.message.lower()
        for words, answer in RULES:
            if any(re.search(rf"\b{word}", question) for word in words):
                return answer(context)
        named = [chat for chat in context.chats if chat["workflow_name"].lower() in question]
        return _artifacts_of(named) if named else _general(context)

    return respond


def _status(context: LiveContext) -> str:
    if not context.chats:
        return "You have no workflows yet. " + _start(context)
    lines = [
        f"- **{chat['label']}** ({chat['workflow_name']}): "
        + ("completed" if chat["status"] == "COMPLETED" else STATE_WORDS.get(chat["run_state"], chat["run_state"]))
        + (" since you came here; it goes on when you go back" if chat["pause_reason"] == "general_mode" else "")
        for chat in context.chats
    ]
    return "This is your work right now:\n\n" + "\n".join(lines)


def _questions(context: LiveContext) -> str:
    lines = [
        f"- **{chat['label']}** asks: {question['prompt']}" for chat in context.chats for question in chat["questions"]
    ]
    return "These wait for you:\n\n" + "\n".join(lines) if lines else "Nothing waits for your answer."


def _artifacts(context: LiveContext) -> str:
    return _artifacts_of(context.chats)


def _artifacts_of(chats: list[dict[str, Any]]) -> str:
    lines = []
    for chat in chats:
        if chat["artifact"]:
            artifact = chat["artifact"]
            lines.append(f"- **{artifact['type']}**, version {artifact['version']}, in {chat['label']}")
            lines.extend(f"  - {name}: {value}" for name, value in _scalars(artifact["summary"])[:6])
    if not lines:
        return "There is no artifact yet in that work."
    return "Here is what was made:\n\n" + "\n".join(lines)


def _scalars(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _scalars(item, key)]
    return [(prefix, value)] if isinstance(value, (str, int, float)) and prefix else []


def _start(context: LiveContext) -> str:
    can = [row for row in context.available if row["available"]]
    locked = [row for row in context.available if not row["available"]]
    lines = [f"- **{row['workflow_name']}**: {row['description']}" for row in can]
    lines += [f"- {row['workflow_name']} is locked: {row['reason']}" for row in locked]
    return "You can start:\n\n" + "\n".join(lines) if lines else "There is no workflow to start in this app."


def _tokens(context: LiveContext) -> str:
    usage = context.usage
    return (
        f"You have used {usage['total_tokens']} tokens in {usage['calls']} model calls: "
        f"{usage['prompt_tokens']} in prompts and {usage['completion_tokens']} in answers."
    )


def _general(context: LiveContext) -> str:
    return (
        "I am the offline model: I answer by rule from what you have open, and I do not know things beyond it.\n\n"
        f"{_status(context)}\n\nAsk me what runs, what waits for you, what was made, what you can start, what it cost."
    )


RULES: tuple[tuple[tuple[str, ...], Callable[[LiveContext], str]], ...] = (
    (("token", "cost", "spent", "usage", "billed"), _tokens),
    (("wait", "question", "answer", "needs me", "need me", "pending"), _questions),
    (("start", "available", "locked", "can i", "which workflows"), _start),
    (("artifact", "plan", "made", "result", "produced", "summar"), _artifacts),
    (("status", "running", "runs", "open", "tabs", "doing", "progress", "paused", "state"), _status),
)
