"""Artifacts in the admin: the newest state, and who made which version."""

from __future__ import annotations

import pytest

from artifacts.services import publish_artifact
from sessions_app.models import ChatSession
from tests.admin_client import page, superuser


@pytest.mark.requirement("B9", "B57")
def test_an_artifact_shows_its_newest_state_and_its_versions(chat: ChatSession) -> None:
    for number in (1, 2):
        artifact = publish_artifact(chat=chat, artifact_type="Plan", state={"n": f"<{number}>"}, author="helper")
    seen = page(superuser(), f"artifacts/artifactinstance/{artifact.pk}/change/")
    assert "&lt;2&gt;" in seen
    assert "&lt;1&gt;" not in seen
    assert "<b>2</b> by helper" in seen
    assert "<b>1</b> by helper" in seen
