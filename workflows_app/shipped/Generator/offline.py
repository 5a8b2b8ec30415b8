"""The Generator's agents without a language model: they read, plan and check by rules.

Rule: pure functions from the conversation to the agent's output; the same words give the same plan.
"""

from typing import TYPE_CHECKING, Any

from .brief import Brief
from .kinds import kind_of
from .languages import NOTES
from .planning import brief_of, heart_of
from .schedule import find_cycle
from .tools import plan_and_changes
from .words import alike, clip, joined, stems

if TYPE_CHECKING:
    from mozaiks.llm.offline import Conversation

Json = dict[str, Any]

_EXAMPLE = 'For example: "Plan a to-do app for families with shared lists, in six weeks".'
_PROBLEMS = {
    "empty": f"There are no words to plan from yet. Tell me what should be made, for whom, and by when. {_EXAMPLE}",
    "greeting": (
        "Hello! I plan work: software, events, research, courses, and more. Tell me what should be made, "
        f"and for whom. {_EXAMPLE}"
    ),
    "question": (
        "That reads as a question rather than something to plan, and I do not look things up. Tell me "
        f"what you want to make or reach. {_EXAMPLE}"
    ),
    "unclear": (
        f"I cannot see from this what should be made. Tell me in a sentence what it is, and for whom. {_EXAMPLE}"
    ),
    "harmful": (
        "I do not plan things that could hurt people or break the law. If this is about protection, "
        "research or fiction, say so and name the safe purpose."
    ),
}


def analyst(c: "Conversation") -> Json:
    """What is to be made, for whom; what is missing; or, in words, why there is nothing to plan yet."""
    brief = brief_of(c.first_message, c.message, _details(c))
    if brief.problem:
        return {
            "verdict": "nothing to plan",
            "reading": clip(_PROBLEMS[brief.problem], 240),
            "questions": ["What should be made, for whom, and by when?"],
        }
    return {"verdict": "plan it", "reading": _reading(brief), "questions": _questions(brief)}


def designer(c: "Conversation") -> Json:
    """The plan's title and a summary of what it does, or of what the newest comment changed."""
    plan, changes = plan_and_changes({}, c)
    summary = " ".join(changes) or f"{plan['summary']} It begins with: {plan['steps'][0]['title']}."
    touched = (plan["revision"].get("changed") or []) if changes else heart_of(plan)
    steps = [step for step in plan["steps"] if step["id"] in touched][:3]
    core = [
        {"number": int(s["id"][1:]), "title": clip(s["title"], 60), "deliverable": clip(s["deliverable"], 60)}
        for s in steps
    ]
    return {"title": clip(plan["title"], 60), "core_steps": core, "summary": clip(summary, 200)}


def reviewer(c: "Conversation") -> Json:
    """Checks the published plan by count: order, repetitions, what a step lacks."""
    plan = _plan(c)
    steps = plan["steps"]
    faults = []
    if cycle := find_cycle(steps):
        faults.append(f"The steps {joined(cycle)} wait for each other.")
    twice = [b["id"] for i, b in enumerate(steps) if any(alike(a["title"], b["title"]) for a in steps[:i])]
    faults += [f"{joined(twice)} repeats another step."] if twice else []
    bare = [s["id"] for s in steps if not s["acceptance"] or not s["deliverable"]]
    faults += [f"{joined(bare)} does not say when it is done."] if bare else []
    if faults:
        return {"ok": False, "comment": clip(" ".join(faults), 240)}
    risky = [s["id"] for s in steps if s["risk"] == "high"]
    cost = plan["cost"]
    watch = f" Watch {joined(risky)}: high risk." if risky else ""
    said = (
        f"Checked {len(steps)} steps: no circle, no repetition, each says when it is done; the last ends on day "
        f"{max(step['end_day'] for step in steps):g}.{watch} Running the agents once: {cost['turns']} turns, "
        f"{cost['tokens_low']:,} to {cost['tokens_high']:,} tokens."
    )
    return {"ok": True, "comment": clip(said, 240)}


def _details(c: "Conversation") -> Json:
    details = c.answers.get("details")
    return details if isinstance(details, dict) else {}


def _plan(c: "Conversation") -> Json:
    state = (c.artifacts.get("ActionPlan") or {}).get("state")
    plan = state.get("workflow") if isinstance(state, dict) else None
    if isinstance(plan, dict) and plan.get("steps") and plan.get("cost") and plan.get("summary"):
        return plan
    return plan_and_changes({}, c)[0]


def _reading(brief: Brief) -> str:
    kind = (
        kind_of(brief)
        .replace("general", "a project")
        .replace("nonprofit", "non-profit work")
        .replace("data", "a data project")
    )
    audience = f", for {brief.audience}" if brief.audience and not stems(brief.audience) <= stems(brief.subject) else ""
    parts = f", with {joined(list(brief.features[:4]))}" if brief.features else ""
    limits = [f"about {brief.days} days"] if brief.days else []
    limits += [brief.people] if brief.people else []
    limits += [brief.budget] if brief.budget else []
    bounds = f" Limits named: {joined(limits)}." if limits else ""
    long = f" The brief has {brief.words:,} words; I follow its first request." if brief.words > 400 else ""
    note = f" Your brief is in {brief.language}. {NOTES.get(brief.language, '')}" if brief.language != "English" else ""
    return clip(f"I read this as {kind}: {brief.subject}{audience}{parts}.{note}{bounds}{long}", 240)


def _questions(brief: Brief) -> list[str]:
    asked = [] if brief.audience else [f"Who is {brief.the or brief.subject} for?"]
    asked += [] if brief.days else ["By when must it be done?"]
    asked += [] if brief.features else [f"Which parts of {brief.the or brief.subject} matter most?"]
    asked += [] if brief.budget else ["What may it cost in money or hours?"]
    return [clip(question, 100) for question in asked[:2]]
