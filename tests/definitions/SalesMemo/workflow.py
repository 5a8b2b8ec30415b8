# SalesMemo/workflow.py: the whole folder
from typing import Annotated

from ag2 import Agent, Variable, tool
from pydantic import BaseModel

from mozaiks.authoring import END, Workflow, approval


class Memo(BaseModel):
    title: str
    risks: list[str]


@tool
def sales(region: str, tenant: Annotated[str, Variable()]) -> float:
    """Sales of a region, in EUR."""
    return 1250.0


analyst = Agent("analyst", "Find the figures.", tools=[sales])
writer = Agent("writer", "Write the memo.", response_schema=Memo)
send = approval("Send it?")


def route(state):  # pure; called after each turn or answer
    match state.last:
        case None:
            return analyst
        case "analyst":
            return writer
        case "writer":
            return send
        case _:
            return END if state.answer.approved else writer


workflow = Workflow(
    "SalesMemo",
    agents=[analyst, writer],
    asks=[send],
    route=route,
    publish={writer: "Memo"},
    variables={"tenant": "acme"},
)
