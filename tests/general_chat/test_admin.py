"""General chats in the admin: found by number, read on the chat's own page."""

from __future__ import annotations

from uuid import uuid4

import pytest

from general_chat.services import start_general_chat
from mozaiks.accounts.principal import Principal
from mozaiks.protocol.events import Said
from sessions_app import services
from tests.admin_client import page, superuser


@pytest.mark.requirement("A19", "A20")
def test_a_general_chat_leads_to_what_was_said_in_it(principal: Principal) -> None:
    general = start_general_chat(principal=principal)
    services.emit(general.chat, Said(source="user", message_id=uuid4(), role="user", content="What is open?"))
    seen = page(superuser(), f"general_chat/generalchatsession/{general.pk}/change/")
    link = f"sessions_app/chatsession/{general.chat_id}/change/"
    assert f"/admin/{link}" in seen
    assert "What is open?" in page(superuser(), link)
