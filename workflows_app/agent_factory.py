"""AgentFactory: an AG2 agent from its definition; an author's own agent is used as it is."""

from __future__ import annotations

from typing import Any

import ag2

from .definitions import AgentSpec


def build_agent(spec: AgentSpec) -> ag2.Agent[Any]:
    """The agent of a definition. It keeps nothing between turns: its memory is the stored stream."""
    if spec.agent is not None:
        agent: ag2.Agent[Any] = spec.agent
        return agent
    return ag2.Agent(spec.name, spec.prompt, tools=[tool.tool for tool in spec.tools])
