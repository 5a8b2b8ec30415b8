"""A tool that cannot be taken back."""

from ag2 import tool


@tool
def launch(name: str) -> str:
    """Launch something. It cannot be taken back."""
    return f"{name} is on its way."
