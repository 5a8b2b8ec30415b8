"""docs/protocol.md and its schema say what the code says, and about everything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from mozaiks import protocol_docs
from mozaiks.protocol.close_codes import CLOSE_CODES
from mozaiks.protocol.errors import CODES, Refused
from mozaiks.protocol.signals import Signal

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.requirement("PROTOCOL")
def test_the_written_files_are_current() -> None:
    assert protocol_docs.stale() == [], "run manage.py protocol_docs"


def test_everything_on_the_wire_is_documented_in_its_own_words() -> None:
    found = protocol_docs.documented()
    assert len(found) > 60
    assert [name for name, cls in found.items() if len(protocol_docs.doc(cls)) < 15] == []


def test_the_page_names_everything_on_the_wire() -> None:
    page = protocol_docs.MARKDOWN.read_text(encoding="utf-8")
    assert [name for name in protocol_docs.documented() if f"`{name}`" not in page] == []
    assert [code for code in CLOSE_CODES if f"| {code} |" not in page] == []


def test_an_undocumented_class_would_be_noticed() -> None:
    class Silent(Signal):
        pass

    assert protocol_docs.doc(Silent) == ""


def test_the_schema_is_a_schema_and_tells_good_frames_from_bad() -> None:
    document = json.loads(protocol_docs.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    commands = jsonschema.Draft202012Validator({**document, "$ref": "#/commands"})
    good = {"type": "user.input.submit", "id": "1", "text": "hello"}
    assert commands.is_valid(good)
    assert not commands.is_valid({**good, "txet": "hello"})
    assert not commands.is_valid({"type": "user.input.submit", "id": "1"})
    assert not commands.is_valid({**good, "type": "user.input.shout"})


@pytest.mark.requirement("PROTOCOL 7")
def test_every_refusal_has_a_code_of_its_own() -> None:
    assert len(CODES) == len(Refused.__subclasses__())


@pytest.mark.requirement("PROTOCOL 1")
def test_the_socket_closes_with_documented_codes_only() -> None:
    gateway = (ROOT / "mozaiks" / "gateway").glob("*.py")
    literal = {int(code) for path in gateway for code in re.findall(r"\b4\d{3}\b", path.read_text(encoding="utf-8"))}
    assert literal <= set(CLOSE_CODES)
    final = {code for code, (_, is_final) in CLOSE_CODES.items() if is_final}
    assert final == {4400, 4401, 4403, 4009}


def test_the_protocol_package_needs_no_django() -> None:
    modules = sorted(path.stem for path in (ROOT / "mozaiks" / "protocol").glob("*.py"))
    names = ", ".join(f"mozaiks.protocol.{name}" for name in modules if name != "__init__")
    code = f"import sys, {names}; assert not any(name.split('.')[0] == 'django' for name in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
