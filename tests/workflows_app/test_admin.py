"""Runs and questions in the admin: what an operator looks for when a chat stands still."""

from __future__ import annotations

from uuid import uuid4

import pytest

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from sessions_app import store
from tests.admin_client import page, superuser
from workflows_app import runs
from workflows_app.models import Run, Turn
from workflows_app.services import start_workflow


@pytest.fixture
def run(principal: Principal) -> Run:
    _, run = start_workflow(principal=principal, name="Helper", message="Hello there")
    assert run is not None
    return run


@pytest.mark.requirement("law 6")
def test_a_run_shows_why_it_ended_its_fence_and_its_turns(run: Run) -> None:
    Turn.objects.create(
        app_id=run.app_id, chat_id=run.chat_id, run=run, number=1, agent="helper", input="", stream_id=uuid4(),
        start=0, after_seq=1, text="Half of <i>it</i>",
    )  # fmt: skip
    with txn():
        runs.fail_run(store.lock_chat(run.chat_id), run, code="MODEL_UNAVAILABLE", message="No model answered.")
    listed = page(superuser(), "workflows_app/run/?status__exact=failed")
    assert "No model answered." in listed
    assert "start" in listed
    seen = page(superuser(), f"workflows_app/run/{run.pk}/change/")
    assert "1 helper" in seen
    assert "Half of &lt;i&gt;it&lt;/i&gt;" in seen
    assert ">1<" in "".join(seen.split("field-fence")[1].split()[:60]), "its fence was raised"


def test_a_run_is_found_by_its_chat(run: Run) -> None:
    assert str(run.pk) in page(superuser(), f"workflows_app/run/?q={run.chat_id}")
    assert str(run.pk) not in page(superuser(), f"workflows_app/run/?q={uuid4()}")


def test_a_frozen_definition_shows_what_the_chat_runs(run: Run) -> None:
    frozen = run.chat.workflow_session.definition
    seen = page(superuser(), f"workflows_app/frozendefinition/{frozen.pk}/change/")
    assert "Answer briefly." in seen
