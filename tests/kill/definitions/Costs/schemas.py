"""What Costs produces."""

from pydantic import BaseModel


class Estimate(BaseModel):
    """What it costs and why."""

    reason: str
    parts: list[str]
