"""The base of every admin page over tenants' rows: staff see the apps they are members of, and the record is read-only.

A superuser sees every app. Nothing here can be added, changed or deleted: the log, the ledger and their like are kept
by the services alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .models import App

# Generic for mypy only: at run time Django's class takes no parameter.
if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin

OfVisibleApps = admin.RelatedOnlyFieldListFilter
"""A filter by app offers those apps only whose rows the page may show."""


class TenantAdmin(AnyModelAdmin):
    """Rows of the apps that the signed-in staff member belongs to; all rows for a superuser (law 11)."""

    app_path = "app"
    """How to get from a row to its app."""
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        mine = App.objects.filter(memberships__user__username=request.user.get_username())
        return rows.filter(**{f"{self.app_path}__in": mine})


class RecordAdmin(TenantAdmin):
    """Rows to read, never to edit."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def as_json(value: Any) -> SafeString:
    """A value as indented, escaped JSON."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
