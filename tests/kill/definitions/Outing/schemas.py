"""What Outing's form and agents produce."""

from pydantic import BaseModel, Field


class Details(BaseModel):
    """Who comes along."""

    people: int = Field(ge=1, le=50)
    diet: str = ""


class Sketch(BaseModel):
    """A first idea, published by a tool."""

    idea: str
    stops: list[str]


class Plan(BaseModel):
    """The outing, hour by hour."""

    title: str
    hours: list[str]
