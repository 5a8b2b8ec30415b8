"""The guard around every test: it stays on this machine, in its own folder, and a missing service is never silent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from tests import surroundings

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.requirement("law 13")
@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("203.0.113.9", 443), ("models.example", 443)])
def test_no_connection_leaves_this_machine(address: tuple[str, int]) -> None:
    with socket.socket() as outside:
        with pytest.raises(surroundings.BeyondLoopbackError, match="tests stay on loopback"):
            outside.connect(address)
        with pytest.raises(surroundings.BeyondLoopbackError):
            outside.connect_ex(address)


def test_connections_on_this_machine_are_let_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())


def test_the_redis_that_the_run_was_given_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not surroundings.is_allowed("redis.example")
    monkeypatch.setenv("REDIS_URL", "redis://redis.example:6379/0")
    assert surroundings.is_allowed("redis.example")


def test_the_data_folder_belongs_to_this_run_and_no_model_is_configured() -> None:
    folder = Path(os.environ["MOZAIKS_DATA_DIR"])
    assert folder.is_relative_to(tempfile.gettempdir())
    assert settings.CONFIG.data_dir == folder
    assert [entry.kind for entry in settings.MOZAIKS_MODELS.entries] == ["offline"]


def run_marked_test(tmp_path: Path, marker: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A run of its own with one test that has this marker."""
    (tmp_path / "test_one.py").write_text(
        f"import pytest\n\n\n@pytest.mark.{marker}\ndef test_one() -> None:\n    pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "no:cacheprovider", "-p", "tests.surroundings"]
    names = {name: value for name, value in os.environ.items() if name not in ("CI", "DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [*command, "-c", os.devnull, "-rs", str(tmp_path)],
        cwd=ROOT, env=names | env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("marker", "missing", "present"),
    [
        ("postgres", {}, {"DATABASE_URL": "postgres://postgres@127.0.0.1/mozaiks"}),
        ("redis", {}, {"REDIS_URL": "redis://127.0.0.1:6379/0"}),
        ("browser", {"PATH": "/nowhere"}, None),
        ("local_llm", {"MOZAIKS_TEST_LOCAL_LLM": ""}, {"MOZAIKS_TEST_LOCAL_LLM": "1"}),
    ],
)
def test_a_missing_service_is_a_loud_skip_and_a_failure_in_ci(
    tmp_path: Path, marker: str, missing: dict[str, str], present: dict[str, str] | None
) -> None:
    skipped = run_marked_test(tmp_path, marker, **missing)
    assert skipped.returncode == 0
    assert "1 skipped" in skipped.stdout
    assert "This test needs" in skipped.stdout
    failed = run_marked_test(tmp_path, marker, CI="1", **missing)
    assert failed.returncode == 1
    assert "In CI a missing service is a failure." in failed.stdout
    if present is not None:
        assert run_marked_test(tmp_path, marker, CI="1", **present).returncode == 0
