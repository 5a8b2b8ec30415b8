"""Users, apps, memberships and tokens in the admin: superusers edit, staff read what is of their apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from .models import ApiToken, App, Membership, User
from .record_admin import OfVisibleApps, RecordAdmin, TenantAdmin

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:
    AnyUserAdmin = UserAdmin


class SuperuserEdits(TenantAdmin):
    """What only a superuser adds, changes or deletes: who may do so could otherwise make themselves one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(User)
class PeopleAdmin(SuperuserEdits, AnyUserAdmin):
    """People; a person is of the apps of their memberships."""

    list_display = ["username", "email", "is_staff", "is_active", "last_login"]
    app_path = "memberships__app"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).distinct()


@admin.register(App)
class AppAdmin(SuperuserEdits):
    """Tenants and their switches."""

    list_display = ["slug", "name", "created_at"]
    search_fields = ["slug", "name"]
    readonly_fields = ["created_at"]
    app_path = "pk"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # Clients, tokens and links name an app by its slug: it stays what it was.
        return ["slug", "created_at"] if obj else ["created_at"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "slug" in form.base_fields:
            form.base_fields["slug"].validators = [*form.base_fields["slug"].validators, _not_reserved]
        return form


@admin.register(Membership)
class MembershipAdmin(SuperuserEdits):
    """Who is in which app, and as what."""

    list_display = ["user", "app", "role"]
    list_filter = [("app", OfVisibleApps), "role"]
    list_select_related = ["user", "app"]
    search_fields = ["user__username", "app__slug"]
    autocomplete_fields = ["user", "app"]


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """Bearer tokens without their secrets, of which only hashes are kept."""

    list_display = ["user", "app", "created_at", "revoked_at"]
    list_filter = [("app", OfVisibleApps), ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "app"]
    search_fields = ["user__username"]
    fields = ["user", "app", "created_at", "revoked_at"]
    actions = ["revoke"]

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        count = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"Revoked {count} tokens.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_apitoken"))


def _not_reserved(slug: str) -> None:
    if slug in App.RESERVED_SLUGS:
        raise ValidationError(f"{slug} is a reserved word and cannot name an app.")
