"""``update_session_metrics``: the one function that closes ledger rows, for workflows and Ask alike (A47-A51, A55)."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from mozaiks.db import on_commit
from mozaiks.gateway import doorbell
from mozaiks.protocol.errors import BudgetExceeded

from .models import ChatSession, ModelCall

MILLION = Decimal(1_000_000)


def open_call(
    *,
    chat: ChatSession,
    run_id: UUID,
    fence: int,
    message_id: UUID,
    agent: str,
    entry: str,
    model: str,
) -> ModelCall:
    """A ledger row for a call that is about to be made; ``attempt`` counts the calls for one message."""
    earlier = ModelCall.objects.filter(chat_id=chat.pk, message_id=message_id).count()
    return ModelCall.objects.create(
        pk=uuid4(),
        app_id=chat.app_id,
        user_id=chat.owner_id,
        chat_id=chat.pk,
        run_id=run_id,
        fence=fence,
        message_id=message_id,
        attempt=earlier + 1,
        kind=chat.kind,
        workflow_name=chat.workflow_name,
        agent=agent[:100],
        entry=entry[:100],
        model=model[:200],
    )


def update_session_metrics(
    *,
    call_id: UUID,
    status: str = ModelCall.Status.DONE,
    prompt_tokens: int | None = None,
    completion_tokens: int | None = None,
    model: str | None = None,
    error: str = "",
) -> bool:
    """Close one ledger row, in the transaction of the step it paid for; False where it is closed already.

    Tokens stay null where the model server did not say them.
    """
    call = ModelCall.objects.filter(pk=call_id, status=ModelCall.Status.OPEN).first()
    if call is None:
        return False
    closed = ModelCall.objects.filter(pk=call_id, status=ModelCall.Status.OPEN).update(
        status=status,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=_cost(call.entry, prompt_tokens, completion_tokens),
        model=(model or call.model)[:200],
        error=error[:500],
        closed_at=timezone.now(),
    )
    app_id, user_id, chat_id = call.app_id, call.user_id, call.chat_id
    on_commit(lambda: doorbell.ring_topic(app_id=app_id, user_id=user_id, chat_id=chat_id, topic="usage"))
    return closed == 1


def close_open_calls(*, run_id: UUID, status: str, error: str = "") -> int:
    """Close what an execution left open: ``aborted`` when it was stopped, ``unknown`` when it died."""
    left = list(ModelCall.objects.filter(run_id=run_id, status=ModelCall.Status.OPEN))
    for call in left:
        update_session_metrics(call_id=call.pk, status=status, error=error)
    return len(left)


def tokens_of_run(run_id: UUID) -> int:
    """Known tokens of a run."""
    return _tokens(
        ModelCall.objects.filter(run_id=run_id).aggregate(p=Sum("prompt_tokens"), c=Sum("completion_tokens"))
    )


def tokens_of_today(*, app_id: UUID, user_id: UUID) -> int:
    """Known tokens of the user in the app since midnight UTC."""
    midnight = datetime.combine(timezone.now().date(), time.min, tzinfo=timezone.now().tzinfo)
    calls = ModelCall.objects.filter(app_id=app_id, user_id=user_id, opened_at__gte=midnight)
    return _tokens(calls.aggregate(p=Sum("prompt_tokens"), c=Sum("completion_tokens")))


def check_budget(*, app_id: UUID, user_id: UUID) -> None:
    """Refuse with ``BudgetExceeded`` when the user's tokens of today are used up."""
    limit = settings.MOZAIKS_LIMITS.tokens_per_user_day
    if tokens_of_today(app_id=app_id, user_id=user_id) >= limit:
        raise BudgetExceeded(
            f"Your {limit:,} tokens of today are used up; they are counted from midnight UTC. "
            "Wait until then or ask your operator to raise MOZAIKS_LIMIT_TOKENS_PER_USER_DAY."
        )


def _tokens(sums: dict[str, Any]) -> int:
    return (sums["p"] or 0) + (sums["c"] or 0)


def _cost(entry_name: str, prompt: int | None, completion: int | None) -> Decimal | None:
    entry = next((entry for entry in settings.MOZAIKS_MODELS.entries if entry.name == entry_name), None)
    if entry is None or prompt is None or completion is None or entry.price_input is None or entry.price_output is None:
        return None
    return (entry.price_input * prompt + entry.price_output * completion) / MILLION
