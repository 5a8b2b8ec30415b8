"""What a tool may do to the run that called it: publish an artifact, and know its own stable key.

Rule: what a tool publishes is staged and becomes real in the transaction that stores its result (law 7); a tool that
fails publishes nothing.
"""

from typing import Any
from uuid import UUID

from mozaiks.runtime.ports import Artifact
from mozaiks.runtime.staging import current_tool


def publish_artifact(
    artifact_type: str, state: Any, *, title: str | None = None, artifact_id: str | UUID | None = None
) -> None:
    """Publish ``state`` (JSON, or a Pydantic model) as a version of the chat's artifact of this type.

    ``artifact_id`` names another artifact to make a version of. Outside a tool call: ``RuntimeError``.
    """
    plain = state.model_dump(mode="json") if hasattr(state, "model_dump") else state
    identity = str(artifact_id) if artifact_id is not None else None
    current_tool().stage(Artifact(artifact_type, plain, title=title, artifact_id=identity))


def tool_key() -> tuple[UUID, int, str]:
    """``(chat, turn, tool call)``: the same when the call is made again after a crash.

    Hand it to other systems as an idempotency key. Outside a tool call: ``RuntimeError``.
    """
    return current_tool().key
