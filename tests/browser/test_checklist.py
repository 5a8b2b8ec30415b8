"""The eight items of the source's checklist (B52-B59), lived in a real browser, with the server killed in between."""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewUi
from tests.browser.page import DESKTOP, PHONE, Ui
from tests.harness.live import LiveServer

BRIEF = "Plan a to-do app for families"
QUESTION = "Invest 20000 EUR for 10 years at moderate risk"


@pytest.mark.browser
@pytest.mark.requirement("B1", "B2", "B3", "B52", "B53", "B54", "B55", "B56", "B57", "B58", "B59", "A5", "A6", "A15")
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_source_scenario_in_a_browser(new_ui: NewUi, server: LiveServer, size: tuple[int, int]) -> None:
    ui = new_ui(size=size).sign_in()
    ui.sound("empty")

    # B52: start Generator, answer its questions, see the plan
    generator = ui.start("Generator", BRIEF)
    form = ui.card("form")
    form.locator("input, textarea").first.fill("families with small children")
    ui.sound("form")
    form.get_by_test_id("input-submit").click()
    approval = ui.card("approval")
    plan = ui.artifact("ActionPlan")
    assert "famil" in json.dumps(plan[1]).lower()
    ui.sound("plan")
    _close_panel(ui)
    said = ui.messages()
    assert [text for role, text in said if role == "user"].count(BRIEF) == 1, "B58: the first message once"

    # B53: MozaiksCapital beside it
    capital = ui.start("MozaiksCapital", QUESTION)
    investment = ui.artifact("InvestmentData")
    expect(ui.tab(capital)).to_have_attribute("data-state", "idle")
    ui.sound("investment")
    _close_panel(ui)

    # something else in between
    ui.by("ask-toggle").click()
    expect(ui.by("mode")).to_have_attribute("data-mode", "general")
    ui.say("What is the status of my work?")
    answer = ui.page.locator("[data-testid=message][data-role=assistant]").last
    expect(answer).to_contain_text("Generator")
    ui.sound("ask")

    # B54, B58: back to Generator, plan and history as they were
    ui.by("workflow-toggle").click()
    expect(ui.by("mode")).to_have_attribute("data-mode", "workflow")
    ui.tab(generator).click()
    expect(approval).to_be_visible()
    assert ui.artifact("ActionPlan") == plan
    _close_panel(ui)
    assert ui.messages() == said
    ui.sound("back")

    # B55, B56, B57: the link in the meta, the session row and the instance
    _check_links(ui, server, generator, plan[1])

    # the server is killed and started again: everything is still there (B59: the same hash)
    with ui.server_down():
        server.kill()
        expect(ui.by("connection-state")).not_to_have_attribute("data-phase", "open")
        server.start()
    assert ui.artifact("ActionPlan") == plan
    _close_panel(ui)
    assert ui.messages() == said
    ui.page.reload()
    ui.connected()
    assert ui.artifact("ActionPlan") == plan
    _close_panel(ui)
    assert ui.messages() == said

    # a fresh profile sees the same, and the run goes on where it was
    fresh = new_ui(size=size).sign_in()
    fresh.tab(capital).click()
    assert fresh.artifact("InvestmentData") == investment
    _close_panel(fresh)
    fresh.tab(generator).click()
    assert fresh.artifact("ActionPlan") == plan
    _close_panel(fresh)
    fresh.card("approval").get_by_test_id("approve").click()
    expect(fresh.tab(generator)).to_have_attribute("data-state", "completed")
    expect(ui.tab(generator)).to_have_attribute("data-state", "completed")
    fresh.sound("approved")


def _close_panel(ui: Ui) -> None:
    """On a phone the artifact is a sheet over the conversation."""
    if ui.page.viewport_size and ui.page.viewport_size["width"] < 700 and ui.by("artifact-panel").is_visible():
        ui.by("artifact-close").click()


def _check_links(ui: Ui, server: LiveServer, chat_id: str, plan: Any) -> None:
    answer = ui.page.request.get(f"{server.url}/api/chats/meta/demo/Generator/{chat_id}")
    meta = answer.json()
    assert meta["exists"]
    artifact_id = meta["artifact_instance_id"]
    assert meta["artifact_state"] == plan
    assert meta["last_artifact"]["ui_tool_id"] == "ActionPlan"
    stored = ui.page.request.get(f"{server.url}/api/artifacts/demo/{artifact_id}").json()
    assert stored["state"] == plan
    row = _row(server, "SELECT artifact_instance_id FROM workflows_app_workflowsession WHERE chat_id = ", chat_id)
    assert UUID(str(row)) == UUID(artifact_id)


def _row(server: LiveServer, query: str, chat_id: str) -> Any:
    """One value of the server's database, read past the product."""
    url = server.env["DATABASE_URL"]
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            return connection.execute(query + "?", [UUID(chat_id).hex]).fetchone()[0]
    import psycopg

    with psycopg.connect(url) as connection:
        found = connection.execute((query + "%s").encode(), [UUID(chat_id)]).fetchone()
        assert found is not None
        return found[0]
