"""What the agents of MozaiksCapital answer, and what InvestmentData is.

Rule: agents answer little; every figure of the artifact is computed in `portfolio`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Line = Annotated[str, Field(max_length=160)]
Risk = Literal["low", "medium", "high"]


class Profile(BaseModel):
    """What the newest message says. Null where it says nothing; figures only as they stand in the message.

    ``intent``: calculate where figures, wishes or an input are named or changed; explain for a question about what was
    computed; other for everything that is not about investing.
    """

    intent: Literal["calculate", "explain", "other"]
    amount: float | None = Field(description="Money there now")
    monthly: float | None = Field(description="Paid in every month")
    years: float | None
    risk: Risk | None
    fee_percent: float | None = Field(description="Fees in percent a year")
    goal: float | None = Field(description="Money wanted at the end")
    currency: Annotated[str, Field(max_length=3)] | None


class Allocation(BaseModel):
    """The quant's words about the mix that was computed."""

    headline: Line
    reasons: list[Line] = Field(max_length=3, description="Why the mix fits this person, one sentence each")


class Risks(BaseModel):
    """What could go wrong for this person, and what to ask them."""

    risks: list[Line] = Field(max_length=3)
    questions: list[Line] = Field(max_length=3)


class Assumption(BaseModel):
    """One input, stated by the user or assumed; an assumed one is to be edited."""

    name: str
    label: str
    value: Any
    source: Literal["stated", "assumed"]
    text: str


class AllocationRow(BaseModel):
    asset: str
    weight: float
    expected_return: float
    volatility: float
    reason: str


class ProjectionRow(BaseModel):
    year: int
    p10: float
    p50: float
    p90: float
    contributed: float


class Metrics(BaseModel):
    """Rates as fractions a year; ``fee_drag`` is money in the middle case; ``max_drawdown`` is negative."""

    model_config = ConfigDict(extra="allow")

    cagr: float
    volatility: float
    max_drawdown: float
    sharpe: float
    chance_of_goal: float
    fee_drag: float


class Scenario(BaseModel):
    name: str
    description: str
    loss: float
    value_before: float
    value_after: float
    recovery_years: float | None


class InvestmentData(BaseModel):
    """The artifact. All of it is computed but the wording of reasons, risks and questions."""

    model_config = ConfigDict(extra="allow")

    as_of: str
    currency: str
    data_source: str
    profile: dict[str, Any]
    assumptions: list[Assumption]
    allocation: list[AllocationRow]
    projection: list[ProjectionRow]
    metrics: Metrics
    scenarios: list[Scenario]
    risks: list[str]
    questions: list[str]
    disclaimer: str


class Recalculate(BaseModel):
    """Payload of the action that computes again with changed inputs; what is left out stays."""

    amount: float | None = Field(None, ge=0, le=1e12, title="Amount")
    monthly: float | None = Field(None, ge=0, le=1e9, title="Contribution a month")
    years: float | None = Field(None, ge=0.5, le=60, title="Years")
    risk: Risk | None = Field(None, title="Risk")
    fee_percent: float | None = Field(None, ge=0, le=10, title="Fees, percent a year")
    inflation_percent: float | None = Field(None, ge=-2, le=30, title="Inflation, percent a year")
    goal: float | None = Field(None, ge=1, le=1e13, title="Goal")
    comment: str | None = Field(None, max_length=2000, title="Or in words")
