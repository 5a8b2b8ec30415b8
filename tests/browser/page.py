"""ChatUI as a person uses it, and what every page must keep: no overflow, no clipped control, no error."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from mozaiks.protocol.digest import content_hash
from tests.harness.live import PASSWORD, LiveServer

WITHIN = 60_000
"""Milliseconds that a turn of the offline model may take on a busy machine."""
DESKTOP, PHONE = (1440, 900), (390, 844)

CLIPPED = """() => {
  const seen = (e) => { const r = e.getBoundingClientRect(); const s = getComputedStyle(e);
    return r.width > 0 && r.height > 0 && s.visibility !== "hidden" && s.opacity !== "0"; };
  const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) {
    const by = getComputedStyle(p).overflowX;
    if (/(auto|scroll)/.test(by) && p.scrollWidth > p.clientWidth) return true; } return false; };
  const controls = [...document.querySelectorAll("button, input, select, textarea, a[href]:not(.skip)")];
  return controls.filter(seen).filter((e) => {
    const r = e.getBoundingClientRect();
    const outside = (r.left < -1 || r.right > innerWidth + 1) && !scrolls(e);
    const cut = e.tagName === "BUTTON" && e.scrollWidth > e.clientWidth + 2
      && getComputedStyle(e).textOverflow !== "ellipsis" && getComputedStyle(e).overflowX !== "visible";
    return outside || cut; }).map((e) => e.outerHTML.slice(0, 160)); }"""


class Ui:
    """One page of one person."""

    def __init__(self, page: Page, server: LiveServer) -> None:
        self.page, self.server = page, server
        self.errors: list[str] = []
        self.down = False
        page.set_default_timeout(WITHIN)
        expect.set_options(timeout=WITHIN)
        page.on("console", lambda m: self._note(f"console: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self._note(f"exception: {e}"))
        page.on("requestfailed", lambda r: self._note(f"failed: {r.url} {r.failure}"))
        page.on("response", lambda r: self._note(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def _note(self, what: str) -> None:
        if not self.down:
            self.errors.append(what)

    def by(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def sign_in(self, user: str = "alice") -> Ui:
        """By the form."""
        self.page.goto(f"{self.server.url}/login?next=/")
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.server.url}/")
        self.connected()
        return self

    def connected(self) -> None:
        expect(self.by("connection-state")).to_have_attribute("data-phase", "open")

    def start(self, workflow: str, message: str) -> str:
        """Start a workflow from the menu and say what it is for; its chat id."""
        self.by("new-workflow").click()
        self.by(f"start-{workflow}").click()
        tab = self.page.locator("[data-testid=tab][aria-selected=true], [data-testid=tab][aria-current]")
        expect(tab).to_contain_text(workflow)
        chat_id = tab.get_attribute("data-chat-id")
        assert chat_id
        self.say(message)
        return chat_id

    def say(self, message: str) -> None:
        self.by("composer-input").fill(message)
        self.by("send").click()

    def card(self, kind: str) -> Locator:
        """The open question of that kind."""
        card = self.page.locator(f"[data-testid=input-card][data-kind={kind}][data-status=open]").last
        expect(card).to_be_visible()
        return card

    def artifact(self, artifact_type: str) -> tuple[str, Any]:
        """The artifact in the panel: the SHA-256 of its canonical JSON, and its state."""
        expect(self.by("artifact-toggle")).to_contain_text(artifact_type)
        self.page.wait_for_timeout(300)  # the panel opens by itself where there is room for it
        if not self.by("artifact-panel").is_visible():
            self.by("artifact-toggle").click()
        expect(self.by("artifact-type")).to_have_text(artifact_type)
        raw = self.by("artifact-raw")
        if raw.get_attribute("aria-pressed") != "true":
            raw.click()
        state = json.loads(self.by("artifact-json").inner_text())
        raw.click()
        return content_hash(state), state

    def messages(self) -> list[tuple[str, str]]:
        """(who, what) of every message shown, in order."""
        found = self.page.locator("[data-testid=message]:visible").all()
        return [(str(m.get_attribute("data-role")), m.locator(".bubble").inner_text().strip()) for m in found]

    def tab(self, chat_id: str) -> Locator:
        return self.page.locator(f"[data-testid=tab][data-chat-id='{chat_id}']")

    def sound(self, name: str) -> None:
        """Assert what every page must keep, and keep a screenshot."""
        folder = os.environ.get("MOZAIKS_SCREENSHOTS")
        size = self.page.viewport_size or {"width": 0}
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}-{size['width']}.png")
        width = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{name}: {width} px of horizontal overflow"
        clipped = self.page.evaluate(CLIPPED)
        assert not clipped, f"{name}: clipped {clipped}"
        assert not self.errors, f"{name}: {self.errors}"

    @contextmanager
    def server_down(self) -> Iterator[None]:
        """While the server is gone on purpose, the browser may say that it cannot connect."""
        self.down = True
        yield
        self.connected()
        self.down = False
