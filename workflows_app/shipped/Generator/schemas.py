"""What the Generator's agents answer, what its form asks, and what an ActionPlan is.

Rule: an agent's output is small enough for a very small model; the plan's wealth comes from `planning`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Short = Annotated[str, Field(max_length=60)]
Line = Annotated[str, Field(max_length=100)]
Level = Literal["low", "medium", "high"]


class Details(BaseModel):
    """The form before the plan. Every field may stay empty; the plan then says what it assumes."""

    audience: str = Field(
        "", title="Who uses it?", description="For example: families with small children", max_length=200
    )
    must_haves: str = Field(
        "", title="What must be in it?", description="Separate with commas or lines", max_length=2000
    )
    input_data: str = Field("", title="Which data or material is there already?", max_length=500)
    approvals: str = Field(
        "", title="Which steps need your approval?", description="Words or numbers, or: all", max_length=500
    )


class Analysis(BaseModel):
    """The analyst's reading of the brief."""

    verdict: Literal["plan it", "nothing to plan"]
    reading: Annotated[str, Field(max_length=240, description="What is to be made, for whom, in one or two sentences")]
    questions: list[Line] = Field(max_length=2, description="What would change the plan most if it were known")


class CoreStep(BaseModel):
    """A step at the heart of this work. ``number`` names an existing step when the plan is revised, else 0."""

    number: int = Field(ge=0, le=99)
    title: Short
    deliverable: Short


class Design(BaseModel):
    """The designer's ideas: the product adds discovery, tests, dates, risks and cost around them."""

    title: Short
    core_steps: list[CoreStep] = Field(max_length=3)
    summary: Annotated[str, Field(max_length=200, description="What the plan does first and why, for the user")]


class Review(BaseModel):
    """The reviewer's verdict on the published plan."""

    ok: bool
    comment: Annotated[str, Field(max_length=240, description="What was checked, or what the designer must change")]


class PlanAgent(BaseModel):
    name: str
    purpose: str
    prompt: str
    tools: list[str]
    output: str


class PlanStep(BaseModel):
    """``id`` stays the step's for ever. Days are working days; ``start_day`` counts from 0."""

    model_config = ConfigDict(extra="allow")

    id: str
    title: str
    agent: str
    depends_on: list[str]
    deliverable: str
    acceptance: list[str]
    effort_days: float
    risk: Level
    status: Literal["todo", "doing", "done", "blocked"]
    start_day: float = 0
    end_day: float = 0
    approval: bool = False


class PlanArtifact(BaseModel):
    type: str
    fields: list[str]


class Milestone(BaseModel):
    title: str
    step_ids: list[str]
    day: float


class PlanRisk(BaseModel):
    risk: str
    likelihood: Level
    impact: Level
    mitigation: str


class PlanCost(BaseModel):
    """Of running the plan's agents once, in model turns and tokens."""

    turns: int
    tokens_low: int
    tokens_high: int


class PlannedWorkflow(BaseModel):
    """The plan. ``brief`` is what it was made from, ``revision`` what was changed since and how often."""

    model_config = ConfigDict(extra="allow")

    title: str
    goal: str
    audience: str
    assumptions: list[str]
    agents: list[PlanAgent]
    steps: list[PlanStep]
    questions: list[str]
    artifacts: list[PlanArtifact]
    guardrails: list[str]
    milestones: list[Milestone]
    risks: list[PlanRisk]
    cost: PlanCost
    kind: str = "general"
    critical_path: list[str] = Field(default_factory=list)
    summary: str = ""
    brief: dict[str, Any] = Field(default_factory=dict)
    revision: dict[str, Any] = Field(default_factory=dict)


class ActionPlan(BaseModel):
    """The artifact: ``{"workflow": {...}}``."""

    workflow: PlannedWorkflow


class MarkStep(BaseModel):
    """Payload of the action that marks a step."""

    step: str = Field(title="Step", description="Its id, like s3", max_length=20)
    status: Literal["todo", "doing", "done", "blocked"] = Field("done", title="Status")


class Revise(BaseModel):
    """Payload of the action that revises the plan."""

    comment: str = Field(
        title="What should change?", description="For example: make step 3 smaller", min_length=1, max_length=2000
    )
