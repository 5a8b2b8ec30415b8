"""YAML read into plain values, remembering the line of every key and item.

Rule: only plain data comes out (text, numbers, true, false, null, lists, mappings with text keys); what is not plain
is a `Problem` at its line. ``yes``, ``no``, ``on`` and dates are text here.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .problems import Problem

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

At = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Safe YAML whose only words with a meaning are true, false and null."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge", ":value"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first not in "yYnNoO"
}


class Sheet:
    """A definition's file as plain ``value``, its ``problems`` so far, and the line of any path in it."""

    def __init__(self, path: Path, value: Any = None, lines: dict[At, int] | None = None) -> None:
        self.file = str(path)
        self.value: Any = value
        self.problems: list[Problem] = []
        self._lines: dict[At, int] = {(): 1} | (lines or {})
        self._nodes = 0

    @staticmethod
    def of_yaml(path: Path) -> "Sheet":
        """Read a YAML file; what is not YAML is among its problems."""
        sheet = Sheet(path)
        sheet._read(path)
        return sheet

    def line(self, at: Sequence[str | int]) -> int:
        """The line of ``at``, or of the nearest thing that encloses it."""
        where = tuple(at)
        while where not in self._lines:
            where = where[:-1]
        return self._lines[where]

    def mistake(self, at: Sequence[str | int], sentence: str) -> None:
        self.problems.append(Problem(self.file, self.line(at), sentence))

    def _read(self, path: Path) -> None:
        try:
            raw = path.read_bytes()
            if len(raw) > MAX_BYTES:
                self.mistake((), f"The file is larger than {MAX_BYTES:,} bytes.")
                return
            loader = _Loader(raw.decode("utf-8-sig"))
        except OSError as error:
            self.mistake((), f"The file cannot be read: {error.strerror}.")
            return
        except UnicodeDecodeError:
            self.mistake((), "The file is not UTF-8 text.")
            return
        except yaml.YAMLError as error:
            self.mistake((), f"The file is not YAML: {error}.")
            return
        try:
            node = loader.get_single_node()
            self.value = self._plain(loader, node, (), ()) if node is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = ", ".join(part for part in (error.context, error.problem) if part)
            self.problems.append(Problem(self.file, mark.line + 1 if mark else 1, f"This is not YAML: {said}."))
        except (yaml.YAMLError, RecursionError) as error:
            self.mistake((), f"The file is not YAML: {str(error) or 'it is nested too deeply'}.")
        finally:
            loader.dispose()

    def _plain(self, loader: _Loader, node: yaml.Node, at: At, inside: tuple[int, ...]) -> Any:
        self._nodes += 1
        self._lines.setdefault(at, node.start_mark.line + 1)
        if id(node) in inside or self._nodes > MAX_NODES:  # an alias to itself, or aliases that multiply
            raise yaml.composer.ComposerError(None, None, "it contains itself or is too large", node.start_mark)
        if isinstance(node, yaml.CollectionNode) and node.tag not in _PLAIN_TAGS:
            self.mistake(at, f"`{node.tag}` is not plain data.")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(loader, node, at, (*inside, id(node)))
        if isinstance(node, yaml.SequenceNode):
            inner = (*inside, id(node))
            return [self._plain(loader, item, (*at, index), inner) for index, item in enumerate(node.value)]
        try:
            value = loader.construct_object(node)
        except ValueError as error:  # a number of thousands of digits
            self.mistake(at, f"This cannot be read: {error}.")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.mistake(at, f"`{node.value}` is not a number that JSON has.")
            return None
        if not isinstance(value, str | int | float | bool | None):
            self.mistake(at, f"`{node.value}` is not plain text, a number, true, false or null.")
            return None
        return value

    def _mapping(self, loader: _Loader, node: yaml.MappingNode, at: At, inside: tuple[int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, "A key must be plain text."))
                continue
            name = str(key.value)
            if name in mapping:
                sentence = f"`{name}` is here twice; the first is on line {self.line((*at, name))}."
                self.problems.append(Problem(self.file, line, sentence))
                continue
            self._lines[(*at, name)] = line
            mapping[name] = self._plain(loader, value, (*at, name), inside)
        return mapping
