"""Users, apps, memberships and tokens in the admin: no secret is shown, and nobody makes themselves a superuser."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mozaiks.accounts import services
from mozaiks.accounts.models import ApiToken, App, Membership, User
from mozaiks.accounts.principal import Principal
from tests.admin_client import page, staff_of, superuser

pytestmark = pytest.mark.requirement("law 11")
MODELS = ["user", "app", "membership", "apitoken"]


def test_a_token_is_shown_without_its_secret_and_can_be_revoked(
    people: dict[str, Principal], token_of: Callable[[str], str]
) -> None:
    secret = token_of("bob")
    token = ApiToken.objects.get()
    client = superuser()
    for path in ("accounts/apitoken/", f"accounts/apitoken/{token.pk}/change/"):
        seen = page(client, path)
        assert token.hash not in seen
        assert secret not in seen
    assert services.token_user(secret) is not None
    client.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [str(token.pk)]})
    assert services.token_user(secret) is None


def test_staff_revoke_the_tokens_of_their_own_app_only(
    people: dict[str, Principal], token_of: Callable[[str], str]
) -> None:
    token_of("bob")
    body = {"action": "revoke", "_selected_action": [str(ApiToken.objects.get().pk)]}
    staff_of("other").post("/admin/accounts/apitoken/", body)
    assert ApiToken.objects.get().revoked_at is None
    staff_of("demo").post("/admin/accounts/apitoken/", body)
    assert ApiToken.objects.get().revoked_at is not None


@pytest.mark.parametrize("model", MODELS)
def test_staff_change_nobody(model: str, people: dict[str, Principal], token_of: Callable[[str], str]) -> None:
    token_of("alice")
    client = staff_of("demo")
    rows = {
        "user": User.objects.get(username="alice").pk,
        "app": App.objects.get(slug="demo").pk,
        "membership": Membership.objects.get(user__username="alice").pk,
        "apitoken": ApiToken.objects.get().pk,
    }
    path = f"/admin/accounts/{model}/{rows[model]}"
    assert client.get(f"{path}/change/").status_code == 200
    assert client.post(f"{path}/change/", {"is_superuser": "on", "role": "owner"}).status_code == 403
    assert client.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"/admin/accounts/{model}/add/").status_code == 403
    assert staff_of("other").get(f"{path}/change/").status_code == 302


def test_staff_see_the_people_of_their_apps_once(people: dict[str, Principal]) -> None:
    services.make_member(app=App.objects.get(slug="other"), username="alice")
    seen = page(staff_of("other"), "accounts/user/")
    assert seen.count(">alice</a>") == 1
    assert ">carol</a>" in seen
    assert ">bob</a>" not in seen


def test_an_app_keeps_its_slug_and_takes_no_reserved_word(people: dict[str, Principal]) -> None:
    client = superuser()
    day = {"created_at_0": "2026-01-01", "created_at_1": "00:00:00", "settings": "{}"}
    refused = client.post("/admin/accounts/app/add/", {"slug": "meta", "name": "Meta", **day})
    assert "reserved word" in refused.content.decode()
    assert client.post("/admin/accounts/app/add/", {"slug": "new", "name": "New", **day}).status_code == 302
    app = App.objects.get(slug="new")
    client.post(f"/admin/accounts/app/{app.pk}/change/", {"slug": "moved", "name": "Renamed", **day})
    app.refresh_from_db()
    assert (app.slug, app.name) == ("new", "Renamed")
