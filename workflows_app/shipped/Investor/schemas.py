"""What the Investor's agents answer, what its form asks, and what an InvestorBrief is.

Rule: reviewers answer little; scores, budget and verdict come from `weighing`, which reads the plan.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Line = Annotated[str, Field(max_length=160)]
Verdict = Literal["invest", "revise", "pass"]


class Terms(BaseModel):
    """The form. What is left at its default is named as an assumption."""

    raise_amount: float = Field(150_000, ge=0, le=1e12, title="How much do you want to raise?")
    runway_months: int = Field(12, ge=1, le=60, title="How many months should it last?")
    team_cost: float = Field(9_000, ge=0, le=1e10, title="What does the team cost a month?")
    currency: str = Field("EUR", title="Currency", max_length=3)


class Score(BaseModel):
    """1 (weak) to 5 (strong); ``step`` is the id of the plan's step that shows it, like s3."""

    score: int = Field(ge=1, le=5)
    step: Annotated[str, Field(max_length=8)]
    reason: Line


class ReviewerNote(BaseModel):
    """One reviewer's view of the plan."""

    score: Score
    red_flag: Annotated[str, Field(max_length=160, description="The gravest doubt, or empty")]
    question: Line


class ChairNote(BaseModel):
    """The chair's words; the verdict itself is computed from the scores and the money."""

    one_liner: Line
    problem: Line
    solution: Line


class Source(BaseModel):
    """The plan's version this brief was made from. ``note`` says so, and what came since."""

    model_config = ConfigDict(extra="allow")

    artifact_id: str
    version: int
    note: str = ""


class ScoreRow(BaseModel):
    """``evidence_ref`` is the id of a step that exists in the plan."""

    criterion: str
    score: int = Field(ge=1, le=5)
    evidence_ref: str
    reason: str = ""
    reviewer: str = ""


class BudgetRow(BaseModel):
    """``cash`` is what is left at the month's end; it may be negative."""

    month: int
    cost: float
    cash: float


class Use(BaseModel):
    what: str
    amount: float
    share: float


class InvestorBrief(BaseModel):
    """The artifact."""

    model_config = ConfigDict(extra="allow")

    source: Source
    one_liner: str
    problem: str
    solution: str
    scores: list[ScoreRow]
    budget: list[BudgetRow]
    runway_months: float
    ask: str
    use_of_funds: list[Use]
    red_flags: list[str]
    diligence_questions: list[str]
    verdict: Verdict
    conditions: list[str]


class Reweigh(BaseModel):
    """Payload of the action that computes the money again; what is left out stays."""

    raise_amount: float | None = Field(None, ge=0, le=1e12, title="Raise")
    runway_months: int | None = Field(None, ge=1, le=60, title="Months it should last")
    team_cost: float | None = Field(None, ge=0, le=1e10, title="Team cost a month")


class CheckSource(BaseModel):
    """Payload of the action that compares the brief with the plan's present version."""

    current_version: int = Field(ge=1, title="Present version of the plan")
