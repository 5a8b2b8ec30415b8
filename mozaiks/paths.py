"""What stands in a REST path: an app's slug, never a reserved word; and ids: a malformed one is a missing one."""

from __future__ import annotations

from uuid import UUID

from django.urls.converters import SlugConverter, register_converter

from mozaiks.accounts.models import App
from mozaiks.protocol.errors import NotFound


class AppSlugConverter(SlugConverter):
    """A slug that is no reserved word, so that ``chats/transcript/demo/start`` is a transcript and no start."""

    regex = rf"(?!(?:{'|'.join(sorted(App.RESERVED_SLUGS))})/)[-a-zA-Z0-9_]+"


def install() -> None:
    """Make ``<app:…>`` known; called by each ``urls`` module, of which any may be loaded first."""
    from django.urls.converters import get_converters

    if "app" not in get_converters():
        register_converter(AppSlugConverter, "app")


def parse_id(value: str) -> UUID:
    """The id of a path, or ``NotFound``: what is no UUID names nothing."""
    try:
        found = UUID(value)
    except ValueError:
        raise NotFound("There is nothing here.") from None
    if str(found) != value.lower():
        raise NotFound("There is nothing here.")
    return found
