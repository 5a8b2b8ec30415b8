"""What Budgeter's clerk produces."""

from pydantic import BaseModel, Field


class Budget(BaseModel):
    """What may be spent."""

    amount: float = Field(ge=0)
    currency: str = "EUR"
