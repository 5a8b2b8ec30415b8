"""REST about artifacts: one whole, with its version."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from artifacts import api
from artifacts.services import publish_artifact
from sessions_app.models import ChatSession
from tests.rest import Rest


@pytest.fixture
def rest(token_of: Callable[[str], str]) -> Rest:
    return Rest(token_of("alice"))


@pytest.mark.requirement("B9", "B19", "B20", "B29", "B42")
def test_an_artifact_is_read_whole_with_its_version_and_last_chat(rest: Rest, chat: ChatSession) -> None:
    artifact = publish_artifact(chat=chat, artifact_type="Plan", state={"n": 1}, author="a", title="A plan")
    found = rest.get(f"artifacts/demo/{artifact.pk}", api.ArtifactDocument)
    assert (found["artifact_type"], found["title"], found["state"], found["version"]) == ("Plan", "A plan", {"n": 1}, 1)
    assert found["last_active_chat_id"] == str(chat.pk)


def test_the_etag_changes_with_the_version(rest: Rest, chat: ChatSession) -> None:
    artifact = publish_artifact(chat=chat, artifact_type="Plan", state={"n": 1}, author="a")
    path = f"artifacts/demo/{artifact.pk}"
    first = rest.call("GET", path)["ETag"]
    assert first.startswith('"1-')
    assert rest.call("GET", path)["ETag"] == first
    publish_artifact(chat=chat, artifact_type="Plan", state={"n": 2}, author="a")
    assert rest.call("GET", path)["ETag"].startswith('"2-')


def test_an_artifact_that_is_not_there_is_404(rest: Rest) -> None:
    rest.refused("GET", f"artifacts/demo/{uuid4()}", status=404)
    rest.refused("GET", "artifacts/demo/none", status=404)
