"""Is this process alive, is it ready, what does it count."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from mozaiks.gateway import hub
from sessions_app.models import ModelCall
from workflows_app import engine
from workflows_app.models import Run


@require_GET
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: the process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: database, cache or layer, engine; 503 while one is missing or the server drains."""
    checks = {
        "database": _works(connection.ensure_connection),
        "layer": not settings.CONFIG.redis_url or _works(lambda: cache.get("mozaiks.ready")),
        "engine": engine.is_running(),
        "serving": not hub.draining,
    }
    ready = all(checks.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503)


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: sockets of this process, runs by status, ledger rows by status."""
    lines = ["# TYPE mozaiks_sockets gauge", f"mozaiks_sockets {hub.total()}"]
    lines.append("# TYPE mozaiks_runs gauge")
    for status in Run.Status.values:
        lines.append(f'mozaiks_runs{{status="{status}"}} {Run.objects.filter(status=status).count()}')
    lines.append("# TYPE mozaiks_model_calls gauge")
    for status in ModelCall.Status.values:
        lines.append(f'mozaiks_model_calls{{status="{status}"}} {ModelCall.objects.filter(status=status).count()}')
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _works(check: object) -> bool:
    try:
        check()  # type: ignore[operator]
    except Exception:  # noqa: BLE001  (any failure means not ready)
        return False
    return True
