"""Every HTTP path: pages, sign-in, REST, admin, health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from mozaiks import health, pages

handler403 = "mozaiks.pages.forbidden"
handler404 = "mozaiks.pages.not_found"
handler500 = "mozaiks.pages.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.chat, name="chat"),
    path("chat", pages.chat),
    path("workflows", pages.workflows, name="workflows"),
    path("login", pages.Login.as_view(), name="login"),
    path("login/link", pages.login_link, name="login-link"),
    path("logout", pages.logout, name="logout"),
    path("favicon.ico", RedirectView.as_view(url="/static/mozaiks/logo.svg")),
    path("admin/login/", pages.AdminLogin.as_view()),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", pages.api_docs, name="api-docs"),
    path("api/", include("mozaiks.accounts.urls")),
    path("api/", include("workflows_app.urls")),
    path("api/", include("general_chat.urls")),
    path("api/", include("artifacts.urls")),
    path("api/", include("sessions_app.urls")),
    path("api/<path:path>", pages.no_such_api),
]
