"""What TripPlanner's agents and its form produce."""

from datetime import date

from pydantic import BaseModel, Field


class Dates(BaseModel):
    """The days of the trip."""

    first_day: date
    last_day: date
    travellers: int = Field(default=1, ge=1, le=20)


class Day(BaseModel):
    day: int
    place: str
    plan: str


class Itinerary(BaseModel):
    """A plan, day by day."""

    title: str
    days: list[Day] = Field(max_length=4)


class Verdict(BaseModel):
    """Whether the plan keeps to the budget."""

    ok: bool
    reason: str
