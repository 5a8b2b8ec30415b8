"""Command claims over the database: a command counts once, and a repeat gets the first answer (law 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from mozaiks.gateway.ports import Answer
from mozaiks.protocol.errors import IdReused, Refused
from mozaiks.protocol.text import clean_json

from . import store
from .models import CommandClaim


class DatabaseClaims:
    """The ``CommandClaims`` port."""

    def carry_out(
        self, principal: Principal, command_id: str, body_hash: str, handler: Callable[[], dict[str, Any]]
    ) -> Answer:
        """Run ``handler`` once for this id, in the transaction that claims the id.

        A final refusal takes back what the handler wrote (a savepoint) and is stored as the answer; a retryable one
        takes back the claim too.

        Raises:
            IdReused: the id came before with another body.
            Refused: a retryable refusal, or the handler's own failure; nothing is stored.
        """
        known = self._find(principal, command_id)
        if known is not None:
            return _repeat(known, body_hash)
        with txn():
            # Claims come under the session row's lock like everything else of the user: one order of locks.
            store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
            try:
                with txn():
                    claim = CommandClaim.objects.create(
                        app_id=principal.app_id, user_id=principal.user_id, command_id=command_id, body_hash=body_hash
                    )
            except IntegrityError:
                known = self._find(principal, command_id)
                assert known is not None
                return _repeat(known, body_hash)
            try:
                with txn():
                    data = handler()
                claim.ok, claim.answer = True, clean_json(data)
            except Refused as refusal:
                if refusal.retryable:
                    raise
                claim.ok, claim.answer = False, clean_json(refusal.body())
            claim.save(update_fields=["ok", "answer"])
        return Answer(ok=claim.ok, body=claim.answer, duplicate=False)

    def status(self, principal: Principal, command_id: str) -> dict[str, Any]:
        """What became of the command (``command.status``)."""
        claim = self._find(principal, command_id)
        if claim is None:
            return {"status": "unknown"}
        return {"status": "committed" if claim.ok else "refused", "result": claim.answer}

    def _find(self, principal: Principal, command_id: str) -> CommandClaim | None:
        return CommandClaim.objects.filter(
            app_id=principal.app_id, user_id=principal.user_id, command_id=command_id
        ).first()


def _repeat(claim: CommandClaim, body_hash: str) -> Answer:
    if claim.body_hash != body_hash:
        raise IdReused("This command id was used before with another body; use a new id.")
    return Answer(ok=claim.ok, body=claim.answer, duplicate=True)
