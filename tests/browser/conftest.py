"""A Chromium for the module, a server for each test, a page in a profile of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.page import DESKTOP, Ui
from tests.harness.live import LiveServer
from tests.surroundings import chromium

NewUi = Callable[..., Ui]


@pytest.fixture(scope="module")  # while it lives, its event loop runs in this thread: no other module may need one
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path, WORKFLOWS_DIRS="")
    server.start()
    yield server
    server.close()


@pytest.fixture
def new_ui(browser: Browser, server: LiveServer) -> Iterator[NewUi]:
    """A page in a fresh profile: ``new_ui()``, ``new_ui(size=PHONE)``."""
    contexts: list[BrowserContext] = []

    def make(size: tuple[int, int] = DESKTOP) -> Ui:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        contexts.append(context)
        return Ui(context.new_page(), server)

    yield make
    for context in contexts:
        context.close()
