"""A tool that leaves a trace each time it runs."""

from ag2 import tool

LAUNCHES: list[str] = []


@tool
def launch(name: str) -> str:
    """Launch something. It cannot be taken back."""
    LAUNCHES.append(name)
    return f"{name} is on its way."
