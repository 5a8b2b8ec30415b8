"""Copies the browser libraries the page uses out of their npm packages.

The one rule: nothing in ``vendor/`` is written by hand. ``python tools/vendor.py`` fetches the pinned
versions with ``npm pack`` and records name, version, licence and checksum in ``vendor/manifest.json``;
``python tools/vendor.py --check`` proves, offline, that the files are still the recorded ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).resolve().parent.parent / "mozaiks" / "static" / "mozaiks" / "vendor"
MANIFEST = VENDOR / "manifest.json"
# Django's hashed static files follow source-map comments and fail on maps that are not shipped.
SOURCE_MAP = re.compile(rb"^//# sourceMappingURL=.*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Library:
    """One npm package and the files of it that the page needs, as ``{path in the package: our name}``."""

    name: str
    version: str
    files: dict[str, str]


LIBRARIES = (
    Library("marked", "18.2.1", {"lib/marked.esm.js": "marked.js", "LICENSE": "marked.LICENSE"}),
    Library("dompurify", "3.4.18", {"dist/purify.es.mjs": "dompurify.js", "LICENSE": "dompurify.LICENSE"}),
)


def main() -> int:
    """Vendor the libraries, or check them; the exit status says whether all is well."""
    parser = argparse.ArgumentParser(description="Vendor the browser libraries from their npm packages.")
    parser.add_argument("--check", action="store_true", help="only compare the files with the manifest, offline")
    if parser.parse_args().check:
        problems = check()
        sys.stdout.write("\n".join(problems or ["Every vendored file is the recorded one."]) + "\n")
        return 1 if problems else 0
    VENDOR.mkdir(parents=True, exist_ok=True)
    MANIFEST.write_text(json.dumps({"libraries": [vendor(library) for library in LIBRARIES]}, indent=2) + "\n")
    sys.stdout.write(f"Vendored {', '.join(f'{one.name} {one.version}' for one in LIBRARIES)}.\n")
    return 0


def check() -> list[str]:
    """A sentence for every file that is missing, changed, or not in the manifest."""
    recorded = {
        entry["path"]: entry["sha256"]
        for library in json.loads(MANIFEST.read_text())["libraries"]
        for entry in library["files"]
    }
    present = {path.name for path in VENDOR.iterdir()} - {MANIFEST.name}
    problems = [f"{name} is not in the manifest." for name in sorted(present - set(recorded))]
    for name, checksum in sorted(recorded.items()):
        if name not in present:
            problems.append(f"{name} is missing.")
        elif sha256((VENDOR / name).read_bytes()) != checksum:
            problems.append(f"{name} is not the file that was vendored.")
    return problems


def vendor(library: Library) -> dict[str, Any]:
    """Fetch one package, copy its files, and return its entry of the manifest."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{library.name}@{library.version}", "--json", "--pack-destination", folder]
        packed = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=folder).stdout)[0]
        with tarfile.open(Path(folder) / packed["filename"]) as archive:
            package = json.loads(read_member(archive, "package.json"))
            files = [copy(archive, source, target) for source, target in library.files.items()]
    return {
        "name": library.name,
        "version": package["version"],
        "licence": package["license"],
        "package_integrity": packed["integrity"],
        "files": files,
    }


def copy(archive: tarfile.TarFile, source: str, target: str) -> dict[str, str]:
    """Copy one file without its source-map comment."""
    content = SOURCE_MAP.sub(b"", read_member(archive, source))
    (VENDOR / target).write_bytes(content)
    return {"path": target, "from": source, "sha256": sha256(content)}


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """The bytes of ``name`` in an npm archive, whose files live under ``package/``."""
    member = archive.extractfile(f"package/{name}")
    if member is None:
        raise FileNotFoundError(f"The package has no file {name}.")
    return member.read()


def sha256(content: bytes) -> str:
    """The hex digest the manifest records."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
