"""What a person sees of a message while it is being written: whole, once, and only their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewUi
from tests.browser.page import Ui
from tests.harness.live import LiveServer

QUESTION = "Tell me something about dogs and lighthouses"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """One whose model takes some seconds for an answer."""
    server = LiveServer(tmp_path, MOZAIKS_OFFLINE_TOKENS_PER_SECOND="8")
    server.start()
    yield server
    server.close()


def _answers(ui: Ui) -> list[str]:
    return [text for role, text in ui.messages() if role == "assistant"]


def _growing(ui: Ui, at_least: int = 20) -> str:
    """The text of the answer once some of it is there."""
    answer = ui.page.locator("[data-testid=message][data-role=assistant]:visible .bubble").last
    expect(answer).to_be_visible()
    for _ in range(200):
        text = answer.inner_text()
        if len(text) >= at_least:
            return text
        ui.page.wait_for_timeout(50)
    raise AssertionError("nothing was streamed")


@pytest.mark.browser
@pytest.mark.requirement("B22", "B23", "A2", "A40", "A53", "law 3", "law 11")
def test_a_reload_in_the_middle_of_a_message_shows_it_once_and_whole(new_ui: NewUi) -> None:
    one, two, other = new_ui().sign_in(), new_ui().sign_in(), new_ui().sign_in("bob")
    chat_id = one.start("Helper", QUESTION)
    two.tab(chat_id).click()
    before = _growing(one)

    one.page.reload()
    one.connected()
    after = _growing(one)
    assert _words(before)[:-1] == _words(after)[: len(_words(before)) - 1], "the text so far comes again"
    assert len(_answers(one)) == 1

    for ui in (one, two):
        expect(ui.tab(chat_id)).to_have_attribute("data-state", "idle")
        assert len(_answers(ui)) == 1
    (whole,), (same,) = _answers(one), _answers(two)
    assert whole == same
    assert len(whole) > len(after), "the rest came after the reload"
    assert _words(whole)[: len(_words(after)) - 1] == _words(after)[:-1]
    one.sound("streamed")

    assert other.by("tab").count() == 0
    assert QUESTION not in other.page.content()
    missing = other.page.request.get(f"{other.server.url}/api/chats/transcript/demo/{chat_id}")
    assert missing.status == 404


@pytest.mark.browser
@pytest.mark.requirement("law 5", "A52")
def test_stop_keeps_the_text_so_far_and_says_that_it_is_partial(new_ui: NewUi) -> None:
    ui = new_ui().sign_in()
    chat_id = ui.start("Helper", QUESTION)
    text = _growing(ui)
    ui.by("stop").click()
    expect(ui.tab(chat_id)).to_have_attribute("data-state", "idle")
    expect(ui.page.get_by_text("Stopped here")).to_be_visible()
    (kept,) = _answers(ui)
    assert _words(text)[:-1] == _words(kept)[: len(_words(text)) - 1]
    ui.page.reload()
    ui.connected()
    expect(ui.page.locator("[data-testid=message][data-role=assistant]:visible")).to_have_count(1)
    assert _answers(ui) == [kept]
    ui.sound("stopped")


def _words(text: str) -> list[str]:
    return text.split()
