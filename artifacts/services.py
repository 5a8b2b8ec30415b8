"""What writes artifacts: instance, version, binding, event and ``last_artifact`` in one transaction (B43-B47)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from mozaiks import faults
from mozaiks.db import txn
from mozaiks.protocol.digest import canonical_json, content_hash
from mozaiks.protocol.errors import NotFound
from mozaiks.protocol.events import ArtifactChanged
from mozaiks.protocol.text import clean_json
from sessions_app import services as sessions
from sessions_app.models import ChatSession

from . import selectors
from .models import ArtifactBinding, ArtifactInstance, ArtifactVersion

INLINE_LIMIT = 64 * 1024
"""Bytes of JSON up to which a state travels inside events and ``chat_meta`` (D6)."""


def publish_artifact(
    *,
    chat: ChatSession,
    artifact_type: str,
    state: Any,
    author: str,
    title: str | None = None,
    artifact_id: UUID | None = None,
) -> ArtifactInstance:
    """A new version of the chat's artifact of that type, or a new artifact, shown in the chat from now on.

    A state equal to the newest version's makes no version.

    Raises:
        NotFound: ``artifact_id`` names no artifact that is bound to this chat.
    """
    state = clean_json(state)
    with txn():
        artifact = _existing(chat, artifact_type, artifact_id)
        operation = "updated" if artifact else "created"
        if artifact is None:
            artifact = ArtifactInstance.objects.create(
                app_id=chat.app_id,
                owner_id=chat.owner_id,
                workflow_name=chat.workflow_name,
                artifact_type=artifact_type,
            )
        elif artifact.content_hash == content_hash(state):
            return artifact
        base_version = artifact.version or None
        add_version(artifact=artifact, state=state, author=author, title=title)
        bind(chat=chat, artifact=artifact)
        _announce(chat, artifact, state, operation=operation, base_version=base_version, author=author)
        faults.point("inside_publish_artifact")
    return artifact


def add_version(*, artifact: ArtifactInstance, state: Any, author: str, title: str | None = None) -> ArtifactVersion:
    """Append a version; numbers are dense, since the database refuses a second of the same number."""
    text = canonical_json(state)
    version = ArtifactVersion.objects.create(
        app_id=artifact.app_id,
        artifact=artifact,
        number=artifact.version + 1,
        state=state,
        content_hash=content_hash(state),
        size=len(text.encode()),
        author=author[:150],
    )
    artifact.version, artifact.content_hash, artifact.size = version.number, version.content_hash, version.size
    artifact.last_updated_at = timezone.now()
    if title:
        artifact.title = title[:200]
    artifact.save()
    return version


def bind(*, chat: ChatSession, artifact: ArtifactInstance) -> None:
    """Make the artifact what the chat's panel shows."""
    ArtifactBinding.objects.update_or_create(
        chat=chat, artifact=artifact, defaults={"app_id": chat.app_id, "bound_at": timezone.now()}
    )
    artifact.last_active_chat_id = chat.pk
    artifact.save(update_fields=["last_active_chat_id"])
    sessions.ring_meta(chat)


def set_last_artifact(*, chat: ChatSession, artifact: dict[str, Any]) -> None:
    """Overwrite the chat's newest artifact event (B10, B11, B46)."""
    ChatSession.objects.filter(pk=chat.pk).update(last_artifact=clean_json(artifact))
    chat.last_artifact = artifact
    sessions.ring_meta(chat)


def _existing(chat: ChatSession, artifact_type: str, artifact_id: UUID | None) -> ArtifactInstance | None:
    bound = ArtifactInstance.objects.filter(bindings__chat=chat)
    if artifact_id is None:
        return bound.filter(artifact_type=artifact_type).order_by("-last_updated_at", "-pk").first()
    artifact = bound.filter(pk=artifact_id).first()
    if artifact is None:
        raise NotFound("No such artifact in this chat.")
    return artifact


def _announce(
    chat: ChatSession,
    artifact: ArtifactInstance,
    state: Any,
    *,
    operation: Any,
    base_version: int | None,
    author: str,
) -> None:
    inline = state if artifact.size <= INLINE_LIMIT else None
    event = ArtifactChanged(
        source="agent",
        artifact_id=artifact.pk,
        artifact_type=artifact.artifact_type,
        version=artifact.version,
        operation=operation,
        base_version=base_version,
        state=inline,
        ui_tool_id=artifact.artifact_type,
    )
    (logged,) = sessions.emit(chat, event, artifact_id=artifact.pk)
    set_last_artifact(
        chat=chat,
        artifact={
            "ui_tool_id": artifact.artifact_type,
            "event_id": str(logged.event_id),
            "display": "artifact",
            "workflow_name": chat.workflow_name,
            "payload": inline if inline is not None else selectors.summarise(state),
            "artifact_id": str(artifact.pk),
            "version": artifact.version,
        },
    )
