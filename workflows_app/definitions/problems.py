"""What can be wrong with a definition, said so that its author finds the line.

Rule: every mistake is one `Problem` with a file, a line and a full sentence, and all of a folder are reported at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake of an author. ``file`` is a path as given to the loader; ``line`` starts at 1."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


class DefinitionError(Exception):
    """A folder that is not a valid workflow; ``problems`` has every mistake found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class MissingSymbol(Exception):
    """A frozen definition names a Python symbol that is gone; only this may stop a run after its folder changed."""

    def __init__(self, name: str, reason: str = "") -> None:
        self.name = name
        super().__init__(f"The workflow's Python no longer has `{name}`." + (f" {reason}" if reason else ""))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean `x`?`` (with its leading space) for the nearest of ``known``, or nothing."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean `{near[0]}`?" if near else ""


def listed(words: Iterable[str]) -> str:
    """``a, b and c``, for sentences."""
    names = list(words)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}" if names else "nothing"
