"""What stands between a clone and a running product: Makefile, locks, gate, and the documents that list things."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks import install_size

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def canonical(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def locked(name: str) -> dict[str, str]:
    """Package -> the text of its entry."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    return {canonical(entry): entry for entry in entries}


@pytest.mark.requirement("PROTOCOL 8")
@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_with_hashes_and_no_address(name: str) -> None:
    for package, entry in locked(name).items():
        assert re.match(r"\S+==\S+", entry), package
        assert "--hash=sha256:" in entry, package
        assert "//" not in entry, package


def test_the_locks_hold_what_the_project_asks_for_and_agree_with_each_other() -> None:
    runtime, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {canonical(wanted) for wanted in PROJECT["project"]["dependencies"]} <= runtime.keys()
    assert {canonical(wanted) for wanted in PROJECT["dependency-groups"]["dev"]} <= dev.keys()
    assert {name: dev.get(name) for name in runtime} == runtime


def test_no_development_tool_is_installed_for_users() -> None:
    assert (
        not {canonical(wanted) for wanted in PROJECT["dependency-groups"]["dev"]} & locked("requirements.lock").keys()
    )


def test_every_dependency_is_argued_for() -> None:
    argued = re.findall(r"^\| `([^`]+)`", (ROOT / "docs/dependencies.md").read_text(), flags=re.MULTILINE)
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    assert sorted(map(canonical, argued)) == sorted(map(canonical, wanted))


def test_ag2_is_pinned_to_one_version() -> None:
    assert "ag2[openai]==1.2.1" in PROJECT["project"]["dependencies"]


def test_each_decision_tells_its_context_the_decision_and_its_price() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        headings = re.findall(r"^## (\w+)", path.read_text(), flags=re.MULTILINE)
        assert headings[:3] == ["Context", "Decision", "Price"], path.name


def test_links_between_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert dead == []


def test_the_readme_names_the_test_command_that_the_gate_runs() -> None:
    assert "make test" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci/run").read_text().count("make --no-print-directory test") == 2


def test_the_readme_has_figures_that_the_script_can_rewrite() -> None:
    readme = (ROOT / "README.md").read_text()
    rewritten = install_size.rewrite(readme, "| nothing |")
    assert "| nothing |" in rewritten
    assert re.search(r"install-size:begin -->\n\| First .*\d+ s", readme)
    with pytest.raises(ValueError, match="marks"):
        install_size.rewrite("no marks", "")


def run_venv_script(tmp_path: Path, answers: str) -> subprocess.CompletedProcess[str]:
    """tools/venv.sh on a machine whose only python3 is a script with these answers."""
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f"#!/bin/bash\n{answers}\n")
    python.chmod(python.stat().st_mode | stat.S_IEXEC)
    return subprocess.run(
        ["/bin/bash", str(ROOT / "tools/venv.sh"), str(tmp_path / "venv")],
        env={"PATH": str(python.parent)}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip


@pytest.mark.requirement("PROTOCOL 8")
def test_a_python_that_is_too_old_is_one_sentence(tmp_path: Path) -> None:
    ended = run_venv_script(tmp_path, "exit 1")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("Mozaiks needs Python 3.11 or later: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.requirement("PROTOCOL 8")
def test_a_missing_venv_module_is_one_sentence_that_names_the_package(tmp_path: Path) -> None:
    ended = run_venv_script(tmp_path, 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; *) exit 0;; esac')
    assert ended.returncode == 1
    assert "install the package python3-venv (python3.11-venv" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_working_environment_is_left_alone(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    ended = run_venv_script(tmp_path, "exit 1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert python.is_symlink()


def test_make_refuses_a_model_it_does_not_know() -> None:
    command = ["make", "--no-print-directory", "run", "MODEL=strong"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert made.returncode == 2
    assert made.stderr.splitlines()[0].startswith("MODEL must be offline or local;")


def test_the_gate_is_a_program_that_bash_accepts() -> None:
    gate = ROOT / ".ci/run"
    assert os.access(gate, os.X_OK)
    assert subprocess.run(["bash", "-n", str(gate)], check=False).returncode == 0
