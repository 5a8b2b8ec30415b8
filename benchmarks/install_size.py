"""Measures what ``make install`` costs a new user, and writes it into README.md between its marks.

Its one rule: the figures in the README are written here, never by hand.

    python benchmarks/install_size.py            measure a fresh copy and rewrite the block
    python benchmarks/install_size.py --print    measure and print only
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- install-size:begin -->", "<!-- install-size:end -->"


def measure() -> str:
    """Install into a copy of the tree with an empty home, as a stranger would; a Markdown block of what was seen."""
    with tempfile.TemporaryDirectory(prefix="mozaiks-install-") as folder:
        copy, home = Path(folder, "mozaiks"), Path(folder, "home")
        home.mkdir()
        copy.mkdir()
        for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "tools"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy / name)
        env = {"HOME": str(home), "PATH": os.defpath.lstrip(":")}
        env |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HTTPS_PROXY"))}
        env["PIP_CACHE_DIR"] = str(home / "cache")
        first, again = _seconds(["make", "install"], copy, env), _seconds(["make", "install"], copy, env)
        venv = copy / ".venv"
        version = _says([str(venv / "bin/python"), "--version"]).strip()
        packages = sum(1 for _ in venv.glob("lib/python*/site-packages/*.dist-info"))
        size = sum(path.stat().st_blocks * 512 for path in venv.rglob("*") if not path.is_symlink())
        source_size = sum((ROOT / path).stat().st_size for path in _tracked() if (ROOT / path).is_file())
    return (
        f"| First `make install`, empty pip cache | {first:.0f} s |\n|---|---|\n"
        f"| `make install` again | {again:.1f} s |\n"
        f"| The environment in `.venv` | {size / 1e6:.0f} MB, {packages} packages |\n"
        f"| The source | {source_size / 1e6:.1f} MB |\n\n"
        f"Measured on {datetime.date.today().isoformat()} by `benchmarks/install_size.py` on {os.cpu_count()} cores, "  # noqa: DTZ011
        f"{platform.system()} {platform.machine()}, {version}, near its package "
        "index; a slow line adds to the first figure."
    )


def _seconds(command: list[str], folder: Path, env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    return time.perf_counter() - began


def _says(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _tracked() -> list[str]:
    listed = _says(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"])
    return [path for path in listed.split("\0") if path]


def rewrite(text: str, block: str) -> str:
    """``text`` with what stands between the marks replaced; ValueError when the marks are not there once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"The marks {BEGIN} and {END} must each stand there once.")
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{block}\n{END}", text, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--print", action="store_true", dest="only_print")
    options = parser.parse_args()
    block = measure()
    if options.only_print:
        print(block)
        return
    readme = ROOT / "README.md"
    readme.write_text(rewrite(readme.read_text(encoding="utf-8"), block), encoding="utf-8")
    print(f"README.md has the new figures:\n{block}")


if __name__ == "__main__":
    main()
