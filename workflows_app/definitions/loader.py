"""Folders into definitions, and frozen definitions back.

Rule: all problems of a folder are reported at once, and a bad folder never hides a good one.
"""

from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from .artifact_form import published
from .build import build
from .code import SymbolError, source_problems
from .declared import Declared, definition_hash, empty_declared
from .located import At, Sheet
from .model import Definition
from .problems import DefinitionError, MissingSymbol, Problem, did_you_mean
from .python_form import build_python, python_sheet, read_python
from .sources import Source
from .symbols import Symbols
from .yaml_form import read_yaml

FILES = ("workflow.yaml", "workflow.py")


def load_folder(
    path: Path, *, known_artifacts: Collection[str] | None = None, known_workflows: Collection[str] | None = None
) -> Definition:
    """The definition in ``path``; ``DefinitionError`` has every problem.

    ``known_artifacts`` and ``known_workflows`` (names that exist elsewhere) let prerequisites be checked.
    """
    draft = _read(path)
    draft.problems += _unknown(draft, known_artifacts, known_workflows)
    return draft.finish()


def load_folders(
    paths: Sequence[Path], *, known_artifacts: Collection[str] = (), known_workflows: Collection[str] = ()
) -> tuple[dict[str, Definition], list[Problem]]:
    """The valid definitions of ``paths`` by name, and the problems of the others, with the checks across folders."""
    drafts = [_read(path) for path in paths]
    # A folder with mistakes still counts as existing: those who need it are not at fault. Where one cannot even be
    # read, what it publishes is not known, and a folder stands for its name.
    artifacts = {*known_artifacts, *(kind for draft in drafts for kind in draft.published())}
    workflows = {*known_workflows, *(draft.name or draft.folder.name for draft in drafts)}
    readable = all(draft.name for draft in drafts)
    definitions: dict[str, Definition] = {}
    problems: list[Problem] = []
    first: dict[str, Path] = {}
    for draft in drafts:
        draft.problems += _unknown(draft, artifacts if readable else None, workflows)
        if draft.name and first.setdefault(draft.name, draft.folder) != draft.folder:
            sentence = f"The name `{draft.name}` is taken by the workflow in {first[draft.name]}."
            draft.problems.append(Problem(draft.sheet.file, draft.sheet.line(("workflow",)), sentence))
        try:
            definitions[draft.name] = draft.finish()
        except DefinitionError as error:
            problems += error.problems
    return definitions, problems


def find_folders(parents: Sequence[Path]) -> list[Path]:
    """The workflow folders directly inside ``parents``, by name: those with a ``workflow.yaml`` or ``workflow.py``."""
    inside = [folder for parent in parents if parent.is_dir() for folder in sorted(parent.iterdir())]
    return [folder for folder in inside if any((folder / name).is_file() for name in FILES)]


def thaw(declarative: dict[str, Any], folder: Path) -> Definition:
    """A definition again from its frozen declarative part and the Python that is in ``folder`` now.

    ``MissingSymbol`` names a tool, schema, function or agent that is gone; nothing else that changed matters.
    """
    # What a later release added to the format is absent in what an earlier one froze.
    declared = cast(Declared, {**empty_declared(), **deepcopy(declarative)})
    make = build_python if declared["form"] == "python" else build
    definition = make(declared, folder, Symbols(folder))
    return replace(definition, declarative=declarative, hash=definition_hash(declarative))


@dataclass
class _Draft:
    """A folder as far as it could be read."""

    folder: Path
    sheet: Sheet
    declared: Declared | None
    symbols: Symbols
    problems: list[Problem]

    @property
    def name(self) -> str:
        return self.declared["workflow"] if self.declared else ""

    def published(self) -> set[str]:
        return set(published(self.declared)) if self.declared else set()

    def finish(self) -> Definition:
        if self.problems or self.declared is None:
            raise DefinitionError(self.problems)
        make = build_python if self.declared["form"] == "python" else build
        try:
            return make(self.declared, self.folder, self.symbols)
        except MissingSymbol as error:  # a file changed between reading and building
            raise DefinitionError([Problem(self.sheet.file, 1, str(error))]) from error


def _read(folder: Path) -> _Draft:
    symbols = Symbols(folder)
    files = [folder / name for name in FILES if (folder / name).is_file()]
    if len(files) != 1:
        sheet = Sheet(folder / "workflow.yaml")
        what = (
            "both a `workflow.yaml` and a `workflow.py`; keep one" if files else "no `workflow.yaml` or `workflow.py`"
        )
        sheet.mistake((), f"The folder has {what}.")
        return _Draft(folder, sheet, None, symbols, sheet.problems)
    broken = source_problems(symbols.code.files())
    if files[0].suffix == ".yaml":
        sheet = Sheet.of_yaml(files[0])
        source = Source(folder, sheet, symbols, broken=bool(broken))
        declared = None if sheet.problems and sheet.value is None else read_yaml(source)
    elif broken:
        return _Draft(folder, Sheet(files[0]), None, symbols, broken)
    else:
        sheet, workflow = python_sheet(files[0], symbols)
        declared = read_python(Source(folder, sheet, symbols), workflow) if workflow else None
    return _Draft(
        folder, sheet, declared, symbols, [*broken, *sheet.problems, *(_offline(symbols) if not broken else [])]
    )


def _offline(symbols: Symbols) -> Iterator[Problem]:
    try:
        symbols.responders()
    except SymbolError as error:
        if error.problem:
            yield error.problem


def _unknown(draft: _Draft, artifacts: Collection[str] | None, workflows: Collection[str] | None) -> Iterator[Problem]:
    """Prerequisites, reads and launches of what no one makes. None: not known here, so not checked."""
    if draft.declared is None:
        return
    needs: list[tuple[str, str, At]] = [
        (item["kind"], item["value"], ("requires", n)) for n, item in enumerate(draft.declared["requires"])
    ]
    needs += [("artifact", kind, ("reads", n)) for n, kind in enumerate(draft.declared["reads"])]
    needs += [
        ("workflow", action["launch"], ("actions", action["artifact_type"]))
        for action in draft.declared["actions"]
        if action["launch"]
    ]
    own = {"artifact": draft.published(), "workflow": {draft.name}}
    for kind, value, at in needs:
        known = {"artifact": artifacts, "workflow": workflows}.get(kind)
        if known is None or value in known or value in own[kind]:
            continue
        what = "No workflow publishes an artifact" if kind == "artifact" else "There is no workflow"
        sentence = f"{what} `{value}`.{did_you_mean(value, known)}"
        yield Problem(draft.sheet.file, draft.sheet.line(at), sentence)
