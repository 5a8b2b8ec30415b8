"""REST about artifacts: one whole, for states too large for an event (B42; PROTOCOL section 6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from mozaiks.accounts.rest import principal_of
from mozaiks.openapi import operation
from mozaiks.paths import parse_id
from mozaiks.protocol.shapes import Shape

from . import selectors


class ArtifactDocument(Shape):
    """An artifact with its newest state, whole."""

    artifact_id: UUID
    artifact_type: str
    workflow_name: str
    title: str
    state: Any
    version: int
    content_hash: str = Field(description="SHA-256, hex, of the state's canonical JSON.")
    size: int = Field(description="Bytes of that JSON.")
    last_active_chat_id: UUID | None
    created_at: str
    last_updated_at: str


ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The version and a hash of its state."
)


class Artifacts(ViewSet):
    """The user's artifacts."""

    @extend_schema(parameters=[ETAG])
    @operation("artifacts_retrieve", ArtifactDocument)
    def retrieve(self, request: Request, app_id: str, artifact_id: str) -> Response:
        """An artifact with its newest state, however large (B42)."""
        principal = principal_of(request, app_id)
        artifact = selectors.get_artifact(principal=principal, artifact_id=parse_id(artifact_id))
        tag = f'"{artifact.version}-{artifact.content_hash[:32]}"'
        return Response(selectors.document(artifact), headers={"ETag": tag})
