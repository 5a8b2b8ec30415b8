"""The stage of a kill test: a model server and a live server, each a process of its own, and people who can sign in.

Rule: everything that is believed about a killed server is read from outside it: the database by its own driver, the
model server's file, the tools' file.
"""

from __future__ import annotations

import copy
import json
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.harness.live import DEFINITIONS, ROOT, LiveServer, free_port
from tests.kill.database import Database

HERE = Path(__file__).parent
PEOPLE = """
from mozaiks.accounts import services
app = services.make_app(slug="demo", name="Demo")
for number in range({count}):
    user, _ = services.make_member(app=app, username=f"{name}{{number}}", role="member")
    print("TOKEN", user.username, services.issue_token(user=user, app_slug="demo"))
"""


class KillServer(LiveServer):
    """A live server that can be armed while it runs."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.kill.armed", *super().command()[2:]]

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def twin(self) -> KillServer:
        """Another process over the same data, on a port of its own; not started."""
        made = copy.copy(self)
        made.port, made.process = free_port(), None
        return made

    def pause(self) -> None:
        """Stop the process where it is, as a suspended machine does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def arm(self, point: str, count: int) -> None:
        """Have the running process die at the ``count``-th passing of ``point`` from now on."""
        assert self.process is not None
        path = Path(self.env["KILL_ARM"])
        done = path.with_name(path.name + ".armed")
        done.unlink(missing_ok=True)
        path.write_text(f"{point}:{count}")
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 10
        while not done.exists():
            assert time.monotonic() < end, f"the server could not be armed:\n{self.log()[-2000:]}"
            time.sleep(0.005)


class Stage:
    """Both servers, started; ``close`` ends them."""

    def __init__(
        self, folder: Path, *, server: str = "serve", people: int = 60, token_delay: float = 0.004, **env: str
    ) -> None:
        self.folder = folder
        self.extra: dict[str, str] = {}
        """Environment of every start from now on."""
        self._calls: list[dict[str, Any]] = []
        self._read = 0
        self.model_log, self.effects_file = folder / "model.jsonl", folder / "effects.txt"
        self._model = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.model", "--log", str(self.model_log), "--token-delay", str(token_delay)],
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert self._model.stdout is not None
            assert select.select([self._model.stdout], [], [], 30)[0], "the model server did not start"
            url = json.loads(self._model.stdout.readline())["url"]
            self.env = {
                "LLM_BASE_URL": url,
                "LLM_API_KEY": "kill-tests",
                "LLM_MODEL": "test-model",
                "WORKFLOWS_DIRS": f"{HERE / 'definitions'}:{DEFINITIONS}",
                "KILL_EFFECTS": str(self.effects_file),
                "KILL_ARM": str(folder / "arm"),
                **env,
            }
            self.server = KillServer(folder, server=server, **self.env)
            self.database = Database(self.server.env["DATABASE_URL"])
            self.tokens = self._people(people)
        except BaseException:
            self.close()
            raise

    def _people(self, count: int) -> dict[str, str]:
        printed = self.server.manage("shell", "-c", PEOPLE.format(count=count, name="person"))
        lines = [line.split() for line in printed.splitlines() if line.startswith("TOKEN ")]
        assert len(lines) == count, printed
        return {name: token for _, name, token in lines}

    def someone(self) -> tuple[str, str]:
        """A user nobody was yet, and a token."""
        return self.tokens.popitem()

    def start(self, **env: str) -> float:
        """Start the server; when it was ready, in ``time.monotonic``'s seconds."""
        self.server.start(wait=True, **self.extra, **env)
        return time.monotonic()

    def make_sound(self) -> None:
        """Have the server run as it should, with nothing left of what a broken one did."""
        if not self.server.is_running() or self.extra:
            self.server.kill()
            self.extra = {}
            self.database.end_all_runs()
            self.start()

    def calls(self) -> list[dict[str, Any]]:
        """The model server's own record so far."""
        if self.model_log.exists():
            with self.model_log.open("rb") as log:
                log.seek(self._read)
                for line in log:
                    if not line.endswith(b"\n"):
                        break  # it is being written
                    self._read += len(line)
                    self._calls.append(json.loads(line))
        return self._calls

    def effects(self) -> list[tuple[str, str, str]]:
        """(key, tool, what) of every effect the tools left."""
        if not self.effects_file.exists():
            return []
        lines = self.effects_file.read_text(encoding="utf-8").splitlines()
        return [(key, tool, what) for key, tool, what in (line.split("\t") for line in lines)]

    def get(self, path: str, token: str) -> Any:
        """A REST answer, read."""
        request = urllib.request.Request(f"{self.server.url}/api/{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def close(self) -> None:
        if hasattr(self, "server"):
            self.server.close()
        if self._model.stdout is not None:
            self._model.stdout.close()
        self._model.kill()
        self._model.wait(10)
