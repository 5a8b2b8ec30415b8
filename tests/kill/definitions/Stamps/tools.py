"""Stamps' one tool."""

import os

from mozaiks.authoring import tool_key


def post_letter(to: str) -> str:
    """Post a letter; it cannot be called back."""
    chat, turn, call = tool_key()
    with open(os.environ["KILL_EFFECTS"], "a", encoding="utf-8") as effects:
        effects.write(f"{chat}/{turn}/{call}\tpost_letter\t{to}\n")
    return f"The letter to {to} is posted."
