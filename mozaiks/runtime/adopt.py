"""Makes every agent that a turn may reach call our models (law 9).

Rule: whatever an author configured, no agent in a turn talks to a model past the ledger.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import ag2
from ag2.tools import Toolkit
from ag2.tools.final import FunctionTool
from ag2.tools.subagents.subagent_tool import SubagentTool

from mozaiks.runtime.bridge import BridgeConfig

BRIDGE = BridgeConfig()
"""One for all agents; it has no state."""


def adopt(agent: ag2.Agent[Any], gated: frozenset[str] = frozenset()) -> None:
    """Have the agents that ``agent`` may ask use our model list and ledger: children (``as_tool``), subtasks, and
    those a tool's code names.

    A subtask gets none of the ``gated`` tools: it would run them without the approval they need. Agents are shared by
    all runs of a definition; what is set here is the same for all of them.
    """
    _adopt(agent, gated, {id(agent)})


def _adopt(agent: ag2.Agent[Any], gated: frozenset[str], seen: set[int]) -> None:
    tools: list[Any] = list(agent.tools)
    if (tasks := agent.tasks) is not None:
        agent.config = BRIDGE
        excluded = frozenset(tasks.exclude_tools) | gated
        agent._task_config = replace(tasks, config=None, exclude_tools=excluded)
        tools.extend(tasks.extra_tools)
    for tool in _leaves(tools):
        for child in _agents_behind(tool):
            if id(child) not in seen:
                seen.add(id(child))
                child.config = BRIDGE
                _adopt(child, frozenset(), seen)


def _leaves(tools: Iterable[Any]) -> Iterator[Any]:
    for tool in tools:
        if isinstance(tool, Toolkit):
            yield from _leaves(tool.tools)
        else:
            yield tool


def _agents_behind(tool: Any) -> Iterator[ag2.Agent[Any]]:
    """The agent of a delegation tool, and agents that the tool's function names."""
    if isinstance(tool, SubagentTool):
        yield tool.agent
    function = inspect.unwrap(tool.model.call) if isinstance(tool, FunctionTool) else tool
    if inspect.isfunction(function):
        names = inspect.getclosurevars(function)
        for value in (*names.nonlocals.values(), *names.globals.values()):
            if isinstance(value, ag2.Agent):
                yield value
