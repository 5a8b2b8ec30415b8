"""A real server in its own process, with its own data, that a test may kill and start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse battery"
DEFINITIONS = ROOT / "tests" / "definitions"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveServer:
    """``manage.py serve`` (or ``daphne``) on a free port, over a database of its own of the run's kind."""

    def __init__(self, data_dir: Path, *, server: str = "serve", **env: str) -> None:
        self.data_dir, self.server, self.port = data_dir, server, free_port()
        self.log_path = data_dir / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._database = _new_database(data_dir)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LLM_", "PYTEST"))},
            "MOZAIKS_DATA_DIR": str(data_dir),
            "DATABASE_URL": self._database,
            "SECRET_KEY": "live-tests-" + "0" * 50,
            "MOZAIKS_DEMO_PASSWORD": PASSWORD,
            "WORKFLOWS_DIRS": str(DEFINITIONS),
            "MOZAIKS_OFFLINE_TOKENS_PER_SECOND": "0",
            "LOG_LEVEL": "INFO",
            **env,
        }
        self.manage("setup")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/demo"

    def manage(self, *args: str, **env: str) -> str:
        """Run a management command; its stdout."""
        done = subprocess.run(
            [sys.executable, "manage.py", *args], cwd=ROOT, env={**self.env, **env}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, user: str = "alice", app: str = "demo") -> str:
        return self.manage("token", "--app", app, "--user", user, "--create").strip()

    def command(self) -> list[str]:
        """What starts the process."""
        return {
            "serve": [sys.executable, "manage.py", "serve", "--port", str(self.port)],
            "daphne": [
                sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "mozaiks.asgi:application",
            ],
        }[self.server]  # fmt: skip

    def start(self, *, wait: bool = True, **env: str) -> LiveServer:
        """Start the process; ``env`` is for this start only (a fault to die at, say)."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=ROOT, env={**self.env, **env}, stdout=log, stderr=log)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 40) -> None:
        """Wait until it answers, or say what it printed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not answer in {seconds} s:\n{self.log()}")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(20)

    def wait_dead(self, seconds: float = 30) -> int:
        """Wait until the process ended by itself (a fault point); its return code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def terminate(self, seconds: float = 20) -> int:
        """SIGTERM, as a deploy does."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(seconds)

    def close(self) -> None:
        self.kill()
        _drop_database(self._database)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


def _new_database(data_dir: Path) -> str:
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        return f"sqlite:///{data_dir / 'live.sqlite3'}"
    name = f"mozaiks_live_{uuid.uuid4().hex[:12]}"
    _admin(given, f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(given)._replace(path=f"/{name}"))


def _drop_database(url: str) -> None:
    if url.startswith("postgres"):
        name = urlsplit(url).path.lstrip("/")
        _admin(os.environ["DATABASE_URL"], f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _admin(url: str, statement: Any) -> None:
    """Run a statement in the server's own database: the one that ``url`` names need not exist."""
    import psycopg

    with psycopg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(statement)
