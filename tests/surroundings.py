"""What every test run starts from, loaded before Django's settings (``-p`` in pyproject.toml).

Its one rule: a test never depends on, and never touches, what lies around it. The data folder is a new one, no model
is configured, and no connection goes beyond loopback. A test that needs a service says so by a marker; where the
service is missing it is skipped with the reason, and fails in CI.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest

FORGOTTEN = ("LLM_CONFIG_LIST", "LLM_BASE_URL", "LLM_API_KEY", "LLM_MODEL", "OPENAI_API_KEY", "WORKFLOWS_DIRS",
             "MOZAIKS_ENGINE", "ALLOWED_ORIGINS", "ALLOWED_HOSTS", "DEBUG", "MOZAIKS_DEMO_PASSWORD")  # fmt: skip

_DATA = tempfile.mkdtemp(prefix="mozaiks-tests-")
for _name in FORGOTTEN:
    os.environ.pop(_name, None)
os.environ["MOZAIKS_DATA_DIR"] = _DATA
os.environ["SECRET_KEY"] = "tests-only-" + "0" * 50
os.environ.setdefault("MOZAIKS_OFFLINE_TOKENS_PER_SECOND", "0")


class BeyondLoopbackError(AssertionError):
    """A test tried to reach another machine."""


def is_allowed(host: str) -> bool:
    """Whether a test may connect to ``host``: this machine, or the Redis the run was given."""
    if host in {"", "localhost", urlsplit(os.environ.get("REDIS_URL", "")).hostname}:
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _guarded(original: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_allowed(str(address[0])):
            raise BeyondLoopbackError(f"A test tried to connect to {address[0]}: tests stay on loopback.")
        return original(self, address)

    return connect


def chromium() -> str | None:
    """The path of a Chromium that Playwright can drive, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing_service(marker: str) -> str | None:
    """Why a test with this marker cannot run here, as a sentence; None when it can."""
    match marker:
        case "browser" if chromium() is None:
            return "This test needs Chromium, and none is on the PATH."
        case "postgres" if not os.environ.get("DATABASE_URL", "").startswith(("postgres://", "postgresql://")):
            return "This test needs DATABASE_URL to name a PostgreSQL server."
        case "redis" if not os.environ.get("REDIS_URL"):
            return "This test needs REDIS_URL to name a Redis server."
        case "local_llm" if not os.environ.get("MOZAIKS_TEST_LOCAL_LLM"):
            return "This test needs the local model and minutes: set MOZAIKS_TEST_LOCAL_LLM=1."
    return None


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_configure(config: pytest.Config) -> None:
    socket.socket.connect = _guarded(socket.socket.connect)  # type: ignore[method-assign]
    socket.socket.connect_ex = _guarded(socket.socket.connect_ex)  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: a database must not be built for a test that cannot run."""
    for marker in _service_markers(item):
        if reason := missing_service(marker):
            if in_ci():
                pytest.fail(f"{reason} In CI a missing service is a failure.", pytrace=False)
            pytest.skip(reason)


def _service_markers(item: pytest.Item) -> Iterable[str]:
    return (name for name in ("browser", "postgres", "redis", "local_llm") if item.get_closest_marker(name))


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_DATA, ignore_errors=True)
