"""Walks a shipped workflow without a server: route, offline agents, tools, compilers, as a run would do it in order.

Rule: it knows the definition only; nothing of it is patched.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from jsonschema import Draft202012Validator

from mozaiks.llm.chat import ToolCall
from mozaiks.llm.offline import Conversation, Facts
from workflows_app.definitions import AskUser, Complete, Definition, Fail, Rest, RouteState, Speak, load_folders

SHIPPED = Path(__file__).parents[2] / "workflows_app" / "shipped"


@cache
def definitions() -> dict[str, Definition]:
    """The shipped workflows, which must load without a problem."""
    folders = sorted(path.parent for path in SHIPPED.glob("*/workflow.yaml"))
    found, problems = load_folders(folders)
    assert not problems, "\n".join(map(str, problems))
    return found


@dataclass
class Walk:
    """One chat: what was said, published and asked so far. ``artifacts`` is what the user has, by type."""

    name: str
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    speak: Callable[[str, Conversation], Any] | None = None
    facts: Facts = field(default_factory=Facts)
    said: list[tuple[str, Any]] = field(default_factory=list)
    published: list[tuple[str, Any]] = field(default_factory=list)
    tools_used: list[str] = field(default_factory=list)
    asked: str | None = None
    state: str = "new"

    @property
    def definition(self) -> Definition:
        return definitions()[self.name]

    def start(self, message: str) -> "Walk":
        self.facts = Facts(
            message=message, first_message=message, variables=dict(self.definition.variables), artifacts=self.artifacts
        )
        return self._run(RouteState(None, "start", variables=self.facts.variables, message=message))

    def message(self, text: str) -> "Walk":
        """A further message, at rest or (interrupting) while something is asked."""
        self.facts.message, self.asked = text, None
        return self._run(RouteState(None, "message", variables=self.facts.variables, message=text))

    def answer(self, response: Mapping[str, Any]) -> "Walk":
        assert self.asked
        ask = self.asked
        if schema := self.definition.asks[ask].schema:
            Draft202012Validator(schema).validate(response)
        self.facts.answers[ask], self.asked = dict(response), None
        return self._run(RouteState(ask, answer=response, variables=self.facts.variables, message=self.facts.message))

    def latest(self, kind: str) -> Any:
        return self.artifacts[kind]["state"]

    def _run(self, at: RouteState) -> "Walk":
        for _ in range(60):
            chosen = self.definition.next(at)
            for name, amount in chosen.add.items():
                self.facts.variables[name] = self.facts.variables.get(name, 0) + amount
            match chosen:
                case Speak(agent=agent):
                    output = self._speak(agent)
                    at = RouteState(
                        agent,
                        output=output,
                        answer=at.answer,
                        variables=self.facts.variables,
                        message=self.facts.message,
                    )
                case AskUser(ask=ask):
                    self.asked, self.state = ask, "waiting"
                    return self
                case Rest():
                    self.state = "rest"
                    return self
                case Complete():
                    self.state = "completed"
                    return self
                case Fail(sentence=sentence):
                    raise AssertionError(sentence)
        raise AssertionError("The route does not come to an end.")

    def _speak(self, agent: str) -> Any:
        spec = self.definition.agents[agent]
        schema = spec.output.model_json_schema() if spec.output else None
        conversation = Conversation(**vars(self.facts), agent=agent, schema=schema)
        respond = self.definition.offline[agent] if self.speak is None else (lambda c: self.speak(agent, c))
        said = respond(conversation)
        while isinstance(said, ToolCall):
            result = self._call(agent, said)
            conversation.tool_results.append({"tool_call_id": said.id, "name": said.name, "content": result})
            said = respond(conversation)
        if spec.output:
            said = spec.output.model_validate(said).model_dump(mode="json")
        else:
            assert isinstance(said, str), f"{agent} has no schema, so it speaks in text"
            assert said.strip()
        json.dumps(said, allow_nan=False)
        if spec.publish:
            state = spec.compile(said, self.facts) if spec.compile else said
            self.publish(spec.publish, state)
        self.facts.outputs[agent] = said
        self.said.append((agent, said))
        return said

    def publish(self, kind: str, state: Any) -> None:
        state = json.loads(json.dumps(state, allow_nan=False))
        model = self.definition.artifacts.get(kind)
        if model:
            model.model_validate(state)
        version = self.artifacts.get(kind, {}).get("version", 0) + 1
        self.artifacts[kind] = {"artifact_id": str(uuid5(NAMESPACE_URL, kind)), "version": version, "state": state}
        self.published.append((kind, state))

    def _call(self, agent: str, call: ToolCall) -> Any:
        tool = next(one for one in self.definition.agents[agent].tools if one.name == call.name)
        self.tools_used.append(call.name)
        arguments = json.loads(call.arguments)
        Draft202012Validator(tool.tool.schema.function.parameters).validate(arguments)
        result = tool.tool.model.call(**arguments)
        return asyncio.run(result) if asyncio.iscoroutine(result) else result
