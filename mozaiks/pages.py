"""The pages: ChatUI, sign-in, the list of workflows. All data comes over the WebSocket and REST."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login as sign_in
from django.contrib.auth import logout as sign_out
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods

from mozaiks.accounts import services
from mozaiks.accounts.api import LoginThrottle
from mozaiks.accounts.models import Membership, Ticket, User
from mozaiks.protocol.errors import NotFound


@require_GET
@never_cache
@ensure_csrf_cookie
@login_required
def chat(request: HttpRequest) -> HttpResponse:
    """ChatUI."""
    return _page(request, "chat.html")


@require_GET
@never_cache
@ensure_csrf_cookie
@login_required
def workflows(request: HttpRequest) -> HttpResponse:
    """The workflows there are, with the chat widget."""
    return _page(request, "workflows.html")


class Login(auth_views.LoginView):
    """The sign-in form; too many tries from one address are refused for a while."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        throttle = LoginThrottle()
        if not throttle.allow_request(request, self):  # type: ignore[arg-type]
            context = self.get_context_data(form=self.get_form_class()(), rate_limited=True)
            response = render(request, self.template_name, context, status=429)
            response["Retry-After"] = str(int(throttle.wait() or 60))
            return response
        return super().post(request, *args, **kwargs)


class AdminLogin(Login):
    """The admin's own form, under the same limit."""

    template_name = "admin/login.html"
    authentication_form = AdminAuthenticationForm
    redirect_authenticated_user = False
    next_page = "admin:index"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{**admin.site.each_context(self.request), "title": "Log in", **kwargs})


@require_GET
@never_cache
def login_link(request: HttpRequest) -> HttpResponse:
    """The one-time link that ``serve`` prints: signs in on this machine, once."""
    local = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
    found = services.redeem_ticket(request.GET.get("token", ""), purpose=Ticket.Purpose.LOGIN) if local else None
    if found is None:
        return render(request, "link_expired.html", status=403)
    sign_in(request, found[0], backend="django.contrib.auth.backends.ModelBackend")
    return redirect("chat")


@require_http_methods(["POST"])
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out; open sockets of this session close within a minute."""
    sign_out(request)
    return redirect("login")


@require_GET
@login_required
def api_docs(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document's page."""
    return render(request, "api_docs.html")


@csrf_exempt
def no_such_api(request: HttpRequest, path: str) -> JsonResponse:
    """A REST path that does not exist, told in REST's own shape."""
    return JsonResponse({"error": {"code": NotFound.code, "message": "There is no such path."}}, status=NotFound.status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def server_error(request: HttpRequest) -> HttpResponseBase:
    return render(request, "500.html", status=500)


def _page(request: HttpRequest, template: str) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    wanted = request.GET.get("app")
    mine = Membership.objects.filter(user=user).select_related("app").order_by("app__created_at", "app__slug")
    membership = (mine.filter(app__slug=wanted) if wanted else mine).first()
    if membership is None:
        return render(request, "403.html", {"no_app": True}, status=403)
    slug = membership.app.slug
    config = {
        "app_id": slug,
        "user_id": user.get_username(),
        "websocket_path": f"/ws/{slug}",
        "api": "/api",
        "is_staff": user.is_staff,
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "debug": settings.DEBUG,
    }
    return render(request, template, {"config": config})
