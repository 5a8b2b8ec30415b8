"""The Python files of a workflow's folder, imported without touching ``sys.path``.

Rule: each folder is a package of its own, named after its place and its content, so two folders may both have a
``tools.py``, a changed folder is imported afresh, and runs on the old code keep it.
"""

import ast
import importlib
import importlib.util
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from .problems import Problem, did_you_mean

_PREFIX = "mozaiks_workflow_"
_CLASSIC_MODULES = ("autogen", "pyautogen", "autogen_agentchat", "autogen_core", "autogen_ext")
_CLASSIC_NAMES = frozenset(
    "AssistantAgent ConversableAgent GroupChat GroupChatManager UserProxyAgent initiate_chat initiate_chats"
    " initiate_group_chat".split()
)

_folders: dict[str, Path] = {}
_lock = threading.Lock()


class SymbolError(Exception):
    """A Python symbol cannot be had. ``problem`` is set when a Python file is at fault, not the reference to it."""

    def __init__(self, sentence: str, problem: Problem | None = None) -> None:
        super().__init__(sentence)
        self.problem = problem


class Code:
    """The Python of one folder, as it is on disk now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._failed: dict[str, SymbolError] = {}
        content = sha256(str(folder.resolve()).encode())
        for path in self.files():
            content.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
        self.package = _PREFIX + content.hexdigest()[:16]

    def files(self) -> list[Path]:
        """Its Python files, in order."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*.py") if path.is_file())
        return [self.folder / path for path in sorted(found) if not any(part.startswith(".") for part in path.parts)]

    def has(self, module: str) -> bool:
        return _file(self.folder, module) is not None

    def module(self, name: str) -> ModuleType:
        """The module ``name`` (``tools``, ``kit.search``); ``SymbolError`` when it does not import."""
        if name in self._failed:
            raise self._failed[name]
        if not self.has(name):
            known = [path.stem for path in self.files()]
            file = name.replace(".", "/") + ".py"
            raise SymbolError(f"There is no `{file}` in the folder.{did_you_mean(name, known)}")
        self._install()
        try:
            return importlib.import_module(f"{self.package}.{name}")
        except (Exception, SystemExit) as error:
            failure = self._failure(name, error)
            self._failed[name] = failure
            raise failure from error

    def symbol(self, reference: str) -> Any:
        """What ``module:name`` names; ``SymbolError`` says in a sentence why it is not there."""
        module_name, _, name = reference.partition(":")
        module = self.module(module_name)
        try:
            return getattr(module, name)
        except AttributeError:
            file = module_name.replace(".", "/") + ".py"
            known = [word for word in vars(module) if not word.startswith("_")]
            raise SymbolError(f"`{file}` has no `{name}`.{did_you_mean(name, known)}") from None

    def _install(self) -> None:
        with _lock:
            if self.package not in sys.modules:
                _folders[self.package] = self.folder
                package = ModuleType(self.package, f"The workflow folder {self.folder.name}.")
                package.__path__ = [str(self.folder)]
                package.__spec__ = ModuleSpec(self.package, None, is_package=True)
                sys.modules[self.package] = package
            if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
                sys.meta_path.insert(0, _Finder())

    def _failure(self, name: str, error: BaseException) -> SymbolError:
        path, line = _file(self.folder, name) or self.folder, 1
        home = self.folder.resolve()
        frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, SyntaxError) and error.filename:
            frames.append((error.filename, error.lineno))
        for file, number in frames:  # the innermost line of the author's own
            if (found := Path(file).resolve()).is_relative_to(home):
                path, line = self.folder / found.relative_to(home), number or 1
        sentence = f"`{path.name}` does not import: {type(error).__name__}: {error}."
        if isinstance(error, ModuleNotFoundError) and error.name and self.has(error.name):
            sentence += f" Files of the folder import each other with a dot: `from .{error.name} import …`."
        return SymbolError(sentence, Problem(str(path), line, sentence))


def source_problems(files: Sequence[Path]) -> list[Problem]:
    """What can be told without running the files: syntax errors, and the AutoGen 0.x API."""
    return [problem for path in files for problem in _file_problems(path)]


def _file_problems(path: Path) -> Iterator[Problem]:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        yield Problem(str(path), error.lineno or 1, f"`{path.name}` is not Python: {error.msg}.")
        return
    except (ValueError, RecursionError) as error:  # NUL bytes, nesting
        yield Problem(str(path), 1, f"`{path.name}` is not Python: {error}.")
        return
    found = sorted(_classic(tree))
    modules = [item for item in found if item[1] in _CLASSIC_MODULES]
    for line, name in modules or found:
        yield Problem(
            str(path),
            line,
            f"`{name}` belongs to AutoGen 0.x and does not run here; docs/workflows.md#porting has its successor.",
        )


def _classic(tree: ast.Module) -> Iterator[tuple[int, str]]:
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                for alias in names:
                    if (root := alias.name.split(".")[0]) in _CLASSIC_MODULES:
                        yield node.lineno, root
            case ast.ImportFrom(module, names, 0):
                if module and (root := module.split(".")[0]) in _CLASSIC_MODULES:
                    yield node.lineno, root
                elif module and module.split(".")[0] == "ag2":
                    for alias in names:
                        if alias.name in _CLASSIC_NAMES:
                            yield node.lineno, alias.name
            case ast.Call(func=ast.Name(name)) | ast.Call(func=ast.Attribute(attr=name)):
                if name in _CLASSIC_NAMES and name not in own:
                    yield node.lineno, name
            case _:
                pass


def _file(folder: Path, module: str) -> Path | None:
    parts = module.split(".")
    for path in (folder.joinpath(*parts[:-1], parts[-1] + ".py"), folder.joinpath(*parts, "__init__.py")):
        if path.is_file():
            return path
    return None


class _Source(SourceFileLoader):
    """Compiles what the file says now: no bytecode is read or written beside an author's files."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Finder:
    """Finds the modules of workflow folders, and only those."""

    @staticmethod
    def find_spec(fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, module = fullname.partition(".")
        folder = _folders.get(package)
        file = _file(folder, module) if folder and module else None
        if file is None:
            return None
        inner = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Source(fullname, str(file))
        return importlib.util.spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=inner)
