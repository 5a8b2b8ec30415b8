"""TripPlanner's tools: one that may run again, and one that may not."""

import os

from ag2 import tool

from mozaiks.authoring import tool_key

PRICES = {"lisbon": 640, "oslo": 910, "kyoto": 1480}


def search_places(place: str) -> dict[str, object]:
    """What a stay in a place costs per week, in EUR."""
    return {"place": place, "eur_per_week": PRICES.get(place.strip().lower(), 780)}


@tool
def book(place: str, nights: int) -> str:
    """Book a stay. A booking cannot be taken back."""
    chat, turn, call = tool_key()
    if path := os.environ.get("TRIP_PLANNER_BOOKINGS"):  # tests count the bookings made
        with open(path, "a", encoding="utf-8") as bookings:
            bookings.write(f"{chat} {turn} {call} {place} {nights}\n")
    return f"Booked {nights} nights in {place}, reference {str(chat)[:8]}-{turn}."
