"""The prior system's session calls, with their names and signatures (seed 002: B18, B20, B37, B45, B71).

They are for code written against that system: an app is named by its slug, documents are plain dicts with ``_id``.
New tools publish with ``mozaiks.authoring.publish_artifact``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from artifacts import selectors as artifacts
from artifacts.models import ArtifactInstance
from artifacts.services import add_version, bind
from mozaiks.accounts.models import App
from mozaiks.db import txn
from mozaiks.gateway import executor
from mozaiks.protocol.errors import NotFound
from mozaiks.protocol.text import clean_json
from sessions_app import services, store
from sessions_app.models import ChatSession

from . import selectors
from .models import WorkflowSession


async def create_artifact_instance(
    app_id: str, workflow_name: str, artifact_type: str, initial_state: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Create a persistent ArtifactInstance; its document carries ``_id`` and ``state``."""

    def create() -> dict[str, Any]:
        with txn():
            artifact = ArtifactInstance.objects.create(
                app=_app(app_id), workflow_name=workflow_name, artifact_type=artifact_type
            )
            add_version(artifact=artifact, state=clean_json(initial_state or {}), author=workflow_name)
        return _document(artifact)

    return await executor.write(create)


async def attach_artifact_to_session(chat_id: str, artifact_id: str, app_id: str) -> None:
    """Make the artifact what the chat's panel shows, and link it to the chat's workflow session."""

    def attach() -> None:
        with txn():
            chat = store.lock_chat(_session(chat_id, app_id).chat_id)
            artifact = _artifact(artifact_id, app_id)
            if artifact.owner_id is None:
                artifact.owner_id = chat.owner_id
                artifact.save(update_fields=["owner"])
            elif artifact.owner_id != chat.owner_id:
                raise NotFound("No such artifact.")
            bind(chat=chat, artifact=artifact)
            WorkflowSession.objects.filter(chat=chat).update(artifact_instance_id=artifact.pk)
            services.emit(chat, artifact_id=artifact.pk)

    await executor.write(attach)


async def get_artifact_instance(artifact_id: str, app_id: str) -> dict[str, Any] | None:
    """The artifact's document, or None."""

    def get() -> dict[str, Any] | None:
        try:
            return _document(_artifact(artifact_id, app_id))
        except NotFound:
            return None

    return await executor.read(get)


async def get_workflow_session(chat_id: str, app_id: str) -> dict[str, Any] | None:
    """The workflow session of a chat, with ``artifact_instance_id``, or None."""

    def get() -> dict[str, Any] | None:
        try:
            session = _session(chat_id, app_id)
        except NotFound:
            return None
        artifact_id = session.artifact_instance_id
        return {
            "_id": str(session.pk),
            "chat_id": str(session.chat_id),
            "app_id": app_id,
            "workflow_name": session.workflow_name,
            "cache_seed": session.cache_seed,
            "artifact_instance_id": str(artifact_id) if artifact_id else None,
            "status": session.chat.status,
        }

    return await executor.read(get)


async def list_user_sessions(app_id: str, user_id: str) -> list[dict[str, Any]]:
    """The user's IN_PROGRESS workflow sessions, oldest first, with their times filled (B63, B71)."""

    def get() -> list[dict[str, Any]]:
        chats = ChatSession.objects.filter(
            app__slug=app_id,
            owner__username=user_id,
            kind=ChatSession.Kind.WORKFLOW,
            status=ChatSession.Status.IN_PROGRESS,
            deleted_at=None,
        )
        return selectors.list_session_rows(list(chats.order_by("created_at", "pk")))

    return await executor.read(get)


def _app(slug: str) -> App:
    app = App.objects.filter(slug=slug).first()
    if app is None:
        raise NotFound(f"There is no app {slug!r}.")
    return app


def _session(chat_id: str, app_id: str) -> WorkflowSession:
    session = (
        WorkflowSession.objects.select_related("chat")
        .filter(chat_id=_uuid(chat_id), chat__app__slug=app_id, chat__deleted_at=None)
        .first()
    )
    if session is None:
        raise NotFound("No such workflow chat.")
    return session


def _artifact(artifact_id: str, app_id: str) -> ArtifactInstance:
    artifact = ArtifactInstance.objects.filter(pk=_uuid(artifact_id), app__slug=app_id).first()
    if artifact is None:
        raise NotFound("No such artifact.")
    return artifact


def _uuid(value: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise NotFound("No such id.") from None


def _document(artifact: ArtifactInstance) -> dict[str, Any]:
    document = artifacts.document(artifact)
    return {"_id": document["artifact_id"], **document, "app_id": artifact.app.slug}
