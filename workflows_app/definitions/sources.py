"""A folder being read: its sheet, its Python, and the files it names.

Rule: a file or symbol that is not there becomes a `Problem`; reading goes on.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from .code import SymbolError
from .located import Sheet
from .problems import did_you_mean
from .reading import Reader
from .symbols import Symbols, takes

MAX_PROMPT = 200_000

T = TypeVar("T")


class Source:
    """``sheet`` collects the problems of both the YAML file and the Python it names."""

    def __init__(self, folder: Path, sheet: Sheet, symbols: Symbols, *, broken: bool = False) -> None:
        self.folder, self.sheet, self.symbols = folder, sheet, symbols
        self.broken = broken  # its Python has reported problems already, and must not be imported

    def resolve(self, resolver: Callable[[str], T], reference: str, at: Sequence[str | int]) -> T | None:
        """The symbol, or None with a problem at ``at`` (or at the Python line that is at fault)."""
        if self.broken:
            return None
        try:
            return resolver(reference)
        except SymbolError as error:
            if error.problem is not None:
                self.sheet.problems.append(error.problem)
            else:
                self.sheet.mistake(at, str(error))
            return None

    def function(self, reference: str, arguments: Sequence[str], at: Sequence[str | int]) -> None:
        """Check that the function is there and can be called with ``arguments``."""
        found = self.resolve(self.symbols.function, reference, at)
        if found is not None and not takes(found, len(arguments)):
            self.sheet.mistake(at, f"`{reference}` must take {len(arguments)} arguments: ({', '.join(arguments)}).")

    def fields(self, reference: str) -> list[str]:
        """The field names of a schema, empty where it cannot be had or takes any."""
        if self.broken:
            return []
        try:
            model = self.symbols.schema(reference)
        except SymbolError:
            return []
        return [] if model.model_config.get("extra") == "allow" else [*model.model_fields, *model.model_computed_fields]

    def json_schema(self, reader: Reader, key: str) -> dict[str, Any] | None:
        """A JSON schema of an object: written out, or from a Pydantic model."""
        value = reader.value.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            reference = reader.reference(key, "A schema")
            return self.resolve(self.symbols.json_schema, reference, (*reader.at, key)) if reference else None
        try:
            Draft202012Validator.check_schema(value)
        except SchemaError as error:
            reader.mistake(f"This is not a JSON schema: {error.message}.", key)
            return None
        if value.get("type") != "object":
            reader.mistake("The schema must describe an object: `type: object` with `properties`.", key)
            return None
        return value

    def prompt(self, reader: Reader, key: str) -> str:
        """A prompt's text: written out, or read from the file it names (a single word that ends in .md or .txt)."""
        text = reader.text(key) or ""
        if not text.endswith((".md", ".txt")) or len(text.split()) != 1:
            return text
        path = self.folder / text
        if not path.resolve().is_relative_to(self.folder.resolve()):
            reader.mistake(f"The prompt file `{text}` is outside the workflow's folder.", key)
            return ""
        try:
            content = path.read_text("utf-8")
        except OSError:
            near = [str(file.relative_to(self.folder)) for file in self.folder.rglob(f"*{path.suffix}")]
            reader.mistake(f"The prompt file `{text}` is not there.{did_you_mean(text, near)}", key)
            return ""
        except UnicodeDecodeError:
            reader.mistake(f"The prompt file `{text}` is not UTF-8 text.", key)
            return ""
        if not content.strip() or len(content) > MAX_PROMPT:
            what = "is empty" if not content.strip() else f"has more than {MAX_PROMPT:,} characters"
            reader.mistake(f"The prompt file `{text}` {what}.", key)
        return content.strip()
