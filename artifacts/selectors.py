"""Reads of artifacts; each takes the principal, and missing equals forbidden (law 11)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from mozaiks.accounts.principal import Principal
from mozaiks.protocol.errors import NotFound
from sessions_app.models import ChatSession
from sessions_app.selectors import stamp

from .models import ArtifactInstance, ArtifactVersion


def list_artifacts(*, principal: Principal) -> QuerySet[ArtifactInstance]:
    """The principal's artifacts."""
    return ArtifactInstance.objects.filter(app_id=principal.app_id, owner_id=principal.user_id)


def get_artifact(*, principal: Principal, artifact_id: UUID) -> ArtifactInstance:
    """The principal's artifact, or ``NotFound``."""
    try:
        return list_artifacts(principal=principal).get(pk=artifact_id)
    except ArtifactInstance.DoesNotExist:
        raise NotFound("No such artifact.") from None


def get_state(artifact: ArtifactInstance) -> Any:
    """The newest version's state; null for an artifact without one."""
    return (
        ArtifactVersion.objects.filter(artifact=artifact, number=artifact.version)
        .values_list("state", flat=True)
        .first()
    )


def newest_states(*, ids: list[UUID | None]) -> dict[UUID, dict[str, Any]]:
    """Type, version and a summary of the newest state of each artifact, in one query."""
    newest = ArtifactVersion.objects.filter(
        artifact_id__in=[pk for pk in ids if pk], number=F("artifact__version")
    ).select_related("artifact")
    found = {}
    for version in newest:
        artifact = version.artifact
        found[artifact.pk] = {
            "type": artifact.artifact_type,
            "version": version.number,
            "summary": summarise(version.state),
        }
    return found


def newest_of_types(*, chat: ChatSession, types: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The chat's own artifact of each type, else its owner's newest: ``{type: {artifact_id, version, state}}``."""
    found: dict[str, dict[str, Any]] = {}
    for artifact_type in types:
        owned = ArtifactInstance.objects.filter(
            app_id=chat.app_id, owner_id=chat.owner_id, artifact_type=artifact_type
        ).order_by("-last_updated_at", "-pk")
        artifact = owned.filter(bindings__chat=chat).first() or owned.first()
        if artifact is not None:
            found[artifact_type] = {
                "artifact_id": str(artifact.pk),
                "version": artifact.version,
                "state": get_state(artifact),
            }
    return found


def document(artifact: ArtifactInstance) -> dict[str, Any]:
    """The artifact as REST shows it (PROTOCOL section 6)."""
    return {
        "artifact_id": str(artifact.pk),
        "artifact_type": artifact.artifact_type,
        "workflow_name": artifact.workflow_name,
        "title": artifact.title,
        "state": get_state(artifact),
        "version": artifact.version,
        "content_hash": artifact.content_hash,
        "size": artifact.size,
        "last_active_chat_id": str(artifact.last_active_chat_id) if artifact.last_active_chat_id else None,
        "created_at": stamp(artifact.created_at),
        "last_updated_at": stamp(artifact.last_updated_at),
    }


def summarise(state: Any, *, depth: int = 2, items: int = 5, characters: int = 200) -> Any:
    """A small stand-in for a large state (B47): the first fields, shortened."""
    if isinstance(state, str):
        return state if len(state) <= characters else state[:characters] + "…"
    if isinstance(state, dict):
        if depth == 0:
            return f"{len(state)} fields"
        return {
            key: summarise(value, depth=depth - 1, items=items, characters=characters)
            for key, value in list(state.items())[: items * 4]
        }
    if isinstance(state, list):
        if depth == 0:
            return f"{len(state)} items"
        return [summarise(value, depth=depth - 1, items=items, characters=characters) for value in state[:items]]
    return state
