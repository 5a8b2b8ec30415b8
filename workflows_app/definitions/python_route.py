"""A route written in Python, made pure and total.

Rule: the function sees copies of the state, and what it raises or returns wrongly is a `Fail` with a sentence.
"""

import copy
from collections.abc import Mapping
from typing import Any

import ag2

from mozaiks.authoring import END, REST, HumanPoint, State, View, Workflow

from .model import AskUser, Complete, Fail, Next, Rest, RouteState, Speak
from .route import ENTRIES, EXITS


class PythonRoute:
    """A route written in Python, made total: what it raises or returns wrongly is a `Fail` with a sentence."""

    def __init__(self, workflow: Workflow, asks: Mapping[int, str]) -> None:
        self.workflow, self.asks = workflow, asks
        self.agents = {id(agent): agent.name for agent in workflow.agents}

    def __call__(self, state: RouteState) -> Next:
        begins = state.last is None or state.last in (*ENTRIES, *EXITS)
        try:
            seen = State(
                last=None if begins else state.last,
                entry=state.entry,
                output=_view(state.output),
                answer=_view(state.answer),
                variables=View({name: _view(value) for name, value in state.variables.items()}),
                message=state.message,
            )
            return self._choice(self.workflow.route(seen), state.last)
        except Exception as error:  # noqa: BLE001 - a route may raise anything, and the run then fails in a sentence
            where = f"after `{state.last}`" if state.last else "at its start"
            return Fail(f"The route of {self.workflow.name} failed {where}: {type(error).__name__}: {error}.")

    def _choice(self, chosen: Any, last: str | None) -> Next:
        target, add = chosen if isinstance(chosen, tuple) and len(chosen) == 2 else (chosen, {})
        if not isinstance(add, Mapping) or not all(self._counts(name, amount) for name, amount in add.items()):
            sentence = f"returned `{add!r}` where declared variables and numbers to add to them are expected."
            return Fail(f"The route of {self.workflow.name} {sentence}")
        if isinstance(target, ag2.Agent) and id(target) in self.agents:
            return Speak(target.name, dict(add))
        if isinstance(target, HumanPoint) and id(target) in self.asks:
            return AskUser(self.asks[id(target)], dict(add))
        if target is END:
            return Complete(dict(add))
        if target is REST:
            return Rest(dict(add))
        where = f"after `{last}`" if last else "at its start"
        return Fail(f"The route of {self.workflow.name} returned `{target!r}` {where}, which is no place of it.")

    def _counts(self, name: Any, amount: Any) -> bool:
        start = self.workflow.variables.get(name)
        return all(isinstance(n, int | float) and not isinstance(n, bool) for n in (start, amount))


def _view(value: Any) -> Any:
    if isinstance(value, Mapping):
        return View({key: _view(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_view(item) for item in value]
    return copy.deepcopy(value)
