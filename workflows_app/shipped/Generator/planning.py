"""Makes a plan from a brief: playbook by kind of work, steps, dates, risks, cost.

Rule: pure and total. Whatever the brief, the form and a model's ideas say, the plan is whole: ids unique, dependencies
without a cycle, no two steps alike, and the brief's own words in it.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .brief import Brief, is_verb_phrase, read_brief
from .languages import language_note
from .schedule import critical_path, estimate_cost, fit_to_days, with_dates
from .words import (
    SYSTEM_VERBS,
    WEAK_VERBS,
    alike,
    clip,
    content_words,
    joined,
    lower_first,
    stem,
    stems,
    upper_first,
    with_article,
)

Json = dict[str, Any]

_STUDIES = "survey|study|research|experiment|poll|review|investigation|evaluation|paper|thesis"
HERE = Path(__file__).parent
MOST_CORE = 6
FEWEST_CORE = 3


@cache
def playbooks() -> Mapping[str, Json]:
    """The playbooks by kind, `general` last."""
    found = {path.stem: _yaml(path) for path in sorted((HERE / "playbooks").glob("*.yaml"))}
    return {**{kind: book for kind, book in found.items() if kind != "general"}, "general": found["general"]}


@cache
def _topics() -> list[Json]:
    return list(_yaml(HERE / "topics.yaml"))


@cache
def _audiences() -> list[Json]:
    return list(_yaml(HERE / "audiences.yaml"))


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def kind_of(brief: Brief) -> str:
    """The kind of work, by the playbooks' signs: the subject counts most, then the verb, then the rest."""
    weights: dict[str, float] = {}
    tail = _head(brief.subject).split(" ")[-1:]
    for text, weight in (
        (" ".join(tail), 2.0),
        (brief.subject, 3.0),
        (brief.verb, 2.0),
        (brief.phrase, 1.0),
        (brief.text, 0.5),
    ):
        for word in set(_sign_words(text)):
            weights[word] = weights.get(word, 0) + weight
    scores = {kind: sum(weights.get(sign, 0) for sign in _signs(kind)) for kind in playbooks()}
    best = max(scores, key=lambda kind: scores[kind])
    return best if scores[best] >= 1 else "general"


def _head(subject: str) -> str:
    """The part of a subject that names the thing: `survey` in `survey of commuter cycling habits`."""
    return re.split(r"\s(?:of|about|on|into|for|and|between)\s", subject)[0]


@cache
def _signs(kind: str) -> frozenset[str]:
    return frozenset(stem(word) for word in playbooks()[kind]["signs"].split())


def _sign_words(text: str) -> list[str]:
    whole = text.lower().replace("'s", "").split()
    words = [word.strip(".,;:!?()\"'") for word in whole]
    parts = [part for word in words if "-" in word for part in word.split("-")]
    latin = [
        "".join(c if c.isascii() and c.isalpha() else " " for c in word).split() for word in words if not word.isascii()
    ]
    return [stem(word) for word in [*words, *parts, *(w for run in latin for w in run)] if word]


def brief_of(first_message: str, message: str = "", details: Mapping[str, Any] | None = None) -> Brief:
    """The brief of a chat: its first message, or the later one where the first says nothing to plan."""
    form = details or {}
    audience, musts = str(form.get("audience") or "")[:200], str(form.get("must_haves") or "")[:2000]
    brief = read_brief(first_message, audience=audience, must_haves=musts)
    if message and message != first_message and (brief.problem or read_brief(first_message).problem):
        later = read_brief(message, audience=audience, must_haves=musts)
        return later if not later.problem else brief
    return brief


def build_workflow(
    brief: Brief, details: Mapping[str, Any] | None = None, ideas: Mapping[str, Any] | None = None
) -> Json:
    """The `workflow` of an ActionPlan. ``details`` is the form's answer, ``ideas`` the designer's output."""
    form, said = details or {}, ideas or {}
    kind = kind_of(brief)
    book = playbooks()[kind]
    names = _names(brief, book)
    group = _audience(brief, names, book)
    steps = _steps(book, brief, names, group, form, said)
    _approvals(steps, str(form.get("approvals") or ""))
    days = _working_days(brief)
    fitted = fit_to_days(steps, days, fill=bool(book.get("fill")))
    dated = with_dates(steps)
    ids = _ids_by_key(dated)
    agents = _agents(book, names, dated)
    plan: Json = {
        "title": _title(brief, names, str(said.get("title") or "")),
        "goal": _goal(brief, book, names),
        "audience": names["audience"],
        "assumptions": _assumptions(brief, book, names, group, form, days, fitted),
        "agents": agents,
        "steps": dated,
        "questions": _questions(brief, book, names, group, form),
        "artifacts": [{"type": kind_name, "fields": list(fields)} for kind_name, fields in book["artifacts"]],
        "guardrails": _guardrails(book, names, group, form, dated),
        "milestones": _milestones(book, names, ids, dated),
        "risks": _risks(book, names, group, fitted),
        "cost": estimate_cost(dated, len(agents)),
        "kind": kind,
        "critical_path": critical_path(dated),
        "summary": "",
    }
    plan["agents"] = [{**agent, "prompt": _agent_prompt(agent, plan)} for agent in agents]
    plan["summary"] = _summary(plan)
    return {**plan, "steps": [{k: v for k, v in step.items() if k != "key"} for step in dated]}


def rebuild_summary(plan: Json) -> Json:
    """``plan`` with prompts, cost and summary made again from its steps, after a change."""
    plan = {
        **plan,
        "cost": estimate_cost(plan["steps"], len(plan["agents"])),
        "critical_path": critical_path(plan["steps"]),
    }
    plan["agents"] = [{**agent, "prompt": _agent_prompt(agent, plan)} for agent in plan["agents"]]
    return {**plan, "summary": _summary(plan)}


def _names(brief: Brief, book: Json) -> dict[str, str]:
    """What the playbook's placeholders stand for."""
    audience = brief.audience
    subject = brief.subject or ("the work" if not brief.nouns else " ".join(brief.nouns[:3]))
    the = brief.the or subject
    if book.get("own_audience"):
        if audience and stem(audience.split(" ")[-1]) not in stems(subject):
            subject, the = clip(f"{subject} for {audience}", 70), clip(f"{the} for {audience}", 74)
        audience = ""
    if book["kind"] == "research" and (hit := re.match(rf"(?:\w+ )?(?:{_STUDIES}) (?:of|on|about|into) ", subject)):
        subject = the = subject[hit.end() :]
    audience = audience or book["audience"]
    names = {
        "subject": subject,
        "the": the,
        "audience": audience,
        "the_audience": _the(audience),
        "people": brief.people or f"all of {_the(audience)}",
        "place": f" {brief.place}" if brief.place else "",
        "short": _short(subject, the),
    }
    return {**names, "The": upper_first(the), "Audience": upper_first(audience)}


def _the(audience: str) -> str:
    return audience if audience.startswith(("the ", "our ", "my ")) else f"the {audience}"


def _short(subject: str, the: str) -> str:
    """A long subject's name after its first mention: `the survey` for `the survey of commuter cycling habits`."""
    if len(the) <= 30:
        return the
    if re.match(r"(why|how|whether|what|which|when|who|if)\b", subject, re.IGNORECASE):
        return "this question"
    head = _head(subject).split(" ")[-1]
    return f"the {head}" if head.isascii() and len(head) > 2 else the


def _fill(template: str, names: Mapping[str, str], limit: int = 200) -> str:
    return upper_first(clip(template.format_map(names), limit))


def _brief_fill(template: str, names: Mapping[str, str]) -> str:
    """As `_fill`, with the subject's short name."""
    return _fill(template, {**names, "the": names["short"], "The": upper_first(names["short"])})


def _audience(brief: Brief, names: Mapping[str, str], book: Json) -> Json:
    """What is known of those it is for; the subject tells it (`family trip`) only where no audience is named."""
    texts = [names["audience"]] if brief.audience or book.get("own_audience") else [brief.subject, names["audience"]]
    for words in map(stems, texts):
        for group in _audiences():
            if any(stem(word) in words for word in group["match"]):
                return group
    return {}


def _features(book: Json, kind_words: frozenset[str], brief: Brief) -> tuple[list[str], bool]:
    """The pieces the core is made of, and whether the brief named them."""
    own = list(brief.features)
    if len(own) >= FEWEST_CORE:
        return own[:MOST_CORE], True
    usual = next(
        (
            t["features"]
            for t in _topics()
            if book["kind"] in t["kinds"] and any(stem(w) in kind_words for w in t["match"])
        ),
        book["core"]["features"],
    )
    more = [f for f in usual if not any(_overlap(f, mine) for mine in own)]
    return [*own, *more[: max(FEWEST_CORE, 4 if not own else FEWEST_CORE) - len(own)]], bool(own)


def _overlap(one: str, other: str) -> bool:
    a, b = stems(one), stems(other)
    return bool(a and b) and len(a & b) / min(len(a), len(b)) > 0.5


def _steps(
    book: Json, brief: Brief, names: dict[str, str], group: Json, form: Mapping[str, Any], said: Mapping[str, Any]
) -> list[Json]:
    frame = [_framed(entry, names) for entry in book["steps"]]
    data = clip(" ".join(str(form.get("input_data") or "").split()), 80).replace("{", "").replace("}", "")
    if content_words(data):
        frame.append(_input_step(data, frame[0], names))
    after = [_framed(entry, names) for entry in book["after_core"]]
    core = _core(
        book, brief, names, group, said, [step["title"] for step in (*frame, *after)], bool(content_words(data))
    )
    ordered = [*frame, *core, *after]
    cores = [step["key"] for step in core]
    ids = {step["key"]: f"s{number}" for number, step in enumerate(ordered, 1)}
    for step in ordered:
        wanted = [key for name in step["depends_on"] for key in (cores if name == "core" else [name])]
        step["depends_on"] = [ids[key] for key in dict.fromkeys(wanted)]
        step["id"] = ids[step["key"]]
    return [_in_order(step) for step in ordered]


def _in_order(step: Json) -> Json:
    first = ("id", "title", "agent", "depends_on", "deliverable", "acceptance", "effort_days", "risk", "status")
    return {**{name: step[name] for name in first}, **{k: v for k, v in step.items() if k not in first}}


def _framed(entry: Json, names: Mapping[str, str]) -> Json:
    fill = _brief_fill if "{the}" in entry["title"] else _fill
    return {
        "key": entry["key"],
        "title": _fill(entry["title"], names, 110),
        "agent": entry["agent"],
        "depends_on": list(entry["after"]),
        "deliverable": fill(entry["deliverable"], names),
        "acceptance": [_brief_fill(text, names) for text in entry["accept"]],
        "effort_days": float(entry["days"]),
        "risk": entry["risk"],
        "status": "todo",
    }


def _input_step(data: str, first: Json, names: Mapping[str, str]) -> Json:
    return {
        "key": "input",
        "title": clip(f"Bring in and check the input data: {lower_first(data)}", 110),
        "agent": first["agent"],
        "depends_on": [first["key"]],
        "deliverable": clip(f"{upper_first(data)}: checked, described and ready for {names['the']}", 200),
        "acceptance": [
            clip(f"Origin, date and owner of {lower_first(data)} are known", 200),
            "Gaps and errors are listed with what is done about them",
        ],
        "effort_days": 1.5,
        "risk": "medium",
        "status": "todo",
    }


def _core(
    book: Json,
    brief: Brief,
    names: dict[str, str],
    group: Json,
    said: Mapping[str, Any],
    taken: list[str],
    has_input: bool,
) -> list[Json]:
    template = book["core"]
    features, _ = _features(book, stems(f"{brief.subject} {brief.audience} {brief.phrase}"), brief)
    pieces: list[tuple[str, str, str]] = []  # title, deliverable, feature
    for title, deliverable in model_steps(said, brief, [*taken]):
        pieces.append((title, deliverable, title))
        taken = [*taken, title]
    own = list(brief.features)
    for feature in features:
        covered = any(_overlap(feature, title) for title, _, _ in pieces)
        enough = len(pieces) >= FEWEST_CORE + (not own) and feature not in own
        title = _core_title(template, names, feature)
        if not (covered or enough or len(pieces) >= MOST_CORE or any(alike(title, other) for other in taken)):
            pieces.append((title, "", feature))
            taken = [*taken, title]
    steps: list[Json] = []
    for number, (title, deliverable, feature) in enumerate(pieces):
        key = f"core{number}"
        before = [*template["after"], *(["input"] if has_input else [])]
        if steps and template.get("chain") == "sequence":
            before = [steps[-1]["key"]]
        elif steps and template.get("chain") == "first":
            before = [steps[0]["key"]]
        told = {**names, "feature": _about(feature, names), "Feature": upper_first(_about(feature, names))}
        told["audience_sentence"] = _fill(
            group.get("accept", "Three of {audience} manage {feature} without help"), told
        )
        days = float(template["days"]) + (1.0 if number == 0 and template.get("chain") == "first" else 0.0)
        steps.append(
            {
                "key": key,
                "title": title,
                "agent": template["agent"],
                "depends_on": before,
                "deliverable": deliverable or _fill(template["deliverable"], told),
                "acceptance": [_fill(text, told) for text in template["accept"]],
                "effort_days": days,
                "risk": template["risk"],
                "status": "todo",
            }
        )
    return steps


def _core_title(template: Json, names: dict[str, str], feature: str) -> str:
    if is_verb_phrase(feature):
        does = feature.split(" ", 1)[0].lower() in SYSTEM_VERBS
        return _fill(
            template.get("system_title", template["verb_title"]) if does else template["verb_title"],
            {**names, "feature": lower_first(feature)},
            110,
        )
    return _fill(template["title"], {**names, "feature": lower_first(feature)}, 110)


def _about(feature: str, names: Mapping[str, str]) -> str:
    """A feature to stand where a thing stands: `assign chores` becomes `"assign chores"`."""
    return f'"{lower_first(feature)}"' if is_verb_phrase(feature) else lower_first(feature)


def model_steps(said: Mapping[str, Any], brief: Brief, taken: list[str]) -> list[tuple[str, str]]:
    """The designer's own steps that say something: new words beside the brief's, and none twice."""
    known = stems(f"{brief.phrase} {brief.subject} {brief.audience}")
    near = known | stems(" ".join(brief.features))
    found: list[tuple[str, str]] = []
    for item in said.get("core_steps") or []:
        title = clean_text(item.get("title"), 90) if isinstance(item, Mapping) else ""
        words = stems(title)
        if len(words) < 2 or not words - known or not words & near or any(alike(title, other) for other in taken):
            continue
        deliverable = clean_text(item.get("deliverable"), 160)
        repeated = (
            not content_words(deliverable) or alike(deliverable, title) or any(deliverable == d for _, d in found)
        )
        found.append((upper_first(title), "" if repeated else upper_first(deliverable)))
        taken = [*taken, title]
    return found[:MOST_CORE]


def clean_text(text: object, limit: int) -> str:
    """A model's or a user's text to stand in a plan: one line, no braces or tags, at most ``limit`` characters."""
    plain = "".join(" " if c in "{}<>`\\|" or ord(c) < 32 else c for c in str(text or ""))
    return clip(plain.strip(" .-*#\"'"), limit)


def _approvals(steps: list[Json], text: str) -> None:
    """Marks the steps a person approves, by number or by words."""
    everything = text.strip().lower() in ("all", "every step", "everything", "all steps")
    for wish in [part.strip() for part in text.replace("\n", ",").replace(" and ", ",").split(",") if part.strip()]:
        numbers = {f"s{word}" for word in wish.replace("#", " ").split() if word.isdigit()}
        scored = [(len(stems(wish) & stems(f"{s['key']} {s['title']} {s['deliverable']}")), s) for s in steps]
        best = max(scored, key=lambda pair: pair[0])
        for score, step in scored:
            if everything or step["id"] in numbers or (not numbers and score and step is best[1]):
                step["approval"] = True
                text_line = "A person has approved the result before the next step begins"
                if text_line not in step["acceptance"]:
                    step["acceptance"] = [*step["acceptance"], text_line]


def _working_days(brief: Brief) -> float | None:
    return max(1.0, round(brief.days * 5 / 7)) if brief.days else None


def _ids_by_key(steps: list[Json]) -> dict[str, list[str]]:
    ids = {step["key"]: [step["id"]] for step in steps}
    ids["core"] = [step["id"] for step in steps if step["key"].startswith("core")]
    return ids


def _agents(book: Json, names: Mapping[str, str], steps: list[Json]) -> list[Json]:
    used = {step["agent"] for step in steps}
    return [
        {
            "name": name,
            "purpose": _fill(agent["purpose"], names),
            "prompt": "",
            "tools": list(agent["tools"]),
            "output": agent["output"],
        }
        for name, agent in book["agents"].items()
        if name in used
    ]


def _agent_prompt(agent: Json, plan: Json) -> str:
    steps = [step for step in plan["steps"] if step["agent"] == agent["name"]]
    lines = [
        f"You are the {agent['name'].replace('_', ' ')} of this work: {plan['goal']}",
        f"For: {plan['audience']}. {agent['purpose']}",
        "",
        "Your steps:",
    ]
    for step in steps:
        needs = f" (after {joined(step['depends_on'])})" if step["depends_on"] else ""
        lines.append(

                f"- {step['id']}{needs}: {step['title']}. Deliver: {step['deliverable']}. Done when: "
                f"{'; '.join(step['acceptance'])}."

        )
    lines += ["", "Never:"] + [f"- break this rule: {rule}." for rule in plan["guardrails"]]
    lines += ["", "Say plainly what you do not know, and ask instead of inventing. Write in the language of the user."]
    return "\n".join(lines)


def _title(brief: Brief, names: Mapping[str, str], said: str) -> str:
    own = clean_text(said, 80)
    if stems(own) & stems(names["subject"]) and len(content_words(own)) >= 2:
        return upper_first(own)
    if not names["the"].startswith(("the ", "our ")) and brief.verb and brief.verb not in WEAK_VERBS:
        return clip(f"{upper_first(brief.verb)} {brief.phrase}", 80)
    named = re.search(rf"\bfor\b[^,;]*{re.escape(brief.audience)}", brief.phrase)
    tail = f" for {brief.audience}" if brief.audience and named and brief.audience not in names["subject"] else ""
    return upper_first(clip(f"{brief.subject or names['subject']}{tail}{names['place']}", 80))


def _goal(brief: Brief, book: Json, names: Mapping[str, str]) -> str:
    phrase = brief.phrase or names["the"]
    if brief.the == f"the {brief.subject}" and phrase.lower().startswith(brief.subject.lower()):
        phrase = with_article(lower_first(phrase))
    strong = brief.verb and brief.verb not in WEAK_VERBS
    verb = brief.verb if strong else book["goal"]
    if verb == "Find out" and not re.match(r"(why|how|whether|what|which|when|who|if)\b", phrase, re.IGNORECASE):
        verb = "Carry out" if re.search(rf"\b({_STUDIES})\b", phrase) else "Find out about"
    return f"{upper_first(verb)} {phrase}."


def _assumptions(
    brief: Brief,
    book: Json,
    names: Mapping[str, str],
    group: Json,
    form: Mapping[str, Any],
    days: float | None,
    fitted: bool,
) -> list[str]:
    said = []
    if note := language_note(brief.language):
        said.append(note)
    if brief.words > 400:
        words = joined(list(brief.nouns[:6]))
        said.append(

                f"The brief has {brief.words:,} words; the plan follows its first request and the words it "
                f"uses most: {words}"

        )
    if not brief.audience:
        said.append(f"The brief names nobody it is for; the plan assumes {names['audience']}")
    _, named = _features(book, stems(f"{brief.subject} {brief.audience} {brief.phrase}"), brief)
    if not named:
        said.append(f"The brief names no parts of {names['the']}; the plan takes what usually belongs to it")
    if brief.people:
        said.append(f"It is planned for {brief.people}")
    if brief.budget:
        said.append(f"The money named in the brief is {brief.budget}")
    if days:
        fits = "the efforts were fitted to it" if fitted else "the efforts fit into it"
        said.append(f"It has to be done in about {days:g} working days; {fits}")
    if form.get("input_data"):
        said.append(f"Input data: {clean_text(form['input_data'], 120)}")
    said += [_brief_fill(text, names) for text in ([group["assumption"]] if group else [])]
    said += [_brief_fill(text, names) for text in book["assumptions"]]
    return list(dict.fromkeys(said))


def _questions(brief: Brief, book: Json, names: Mapping[str, str], group: Json, form: Mapping[str, Any]) -> list[str]:
    asked = [] if brief.audience else [f"Who exactly is {names['the']} for?"]
    asked += [] if brief.days else ["By when must it be done, and what happens if it is later?"]
    asked += [group["question"]] if group else []
    asked += [_brief_fill(text, names) for text in book["questions"]]
    return list(dict.fromkeys(asked))[:6]


def _guardrails(
    book: Json, names: Mapping[str, str], group: Json, form: Mapping[str, Any], steps: list[Json]
) -> list[str]:
    rules = [_brief_fill(text, names) for text in book["guardrails"]] + ([group["guardrail"]] if group else [])
    approved = [step["title"] for step in steps if step.get("approval")]
    if approved:
        rules.append(f"These wait for a person's approval: {joined([lower_first(title) for title in approved])}")
    elif content_words(str(form.get("approvals") or "")):
        rules.append(f"Waits for a person's approval: {clean_text(form['approvals'], 120)}")
    return list(dict.fromkeys(rules))


def _milestones(book: Json, names: Mapping[str, str], ids: Mapping[str, list[str]], steps: list[Json]) -> list[Json]:
    ends = {step["id"]: step["end_day"] for step in steps}
    found = []
    for title, keys in book["milestones"]:
        step_ids = [one for key in keys for one in ids[key]]
        found.append(
            {"title": _brief_fill(title, names), "step_ids": step_ids, "day": max(ends[one] for one in step_ids)}
        )
    return sorted(found, key=lambda milestone: milestone["day"])


def _risks(book: Json, names: Mapping[str, str], group: Json, fitted: bool) -> list[Json]:
    rows = [*book["risks"], *([group["risk"]] if group else [])]
    if fitted:
        rows = [
            [
                "The date leaves no slack on the critical path",
                "high",
                "high",
                "Decide now which acceptance point is dropped first",
            ],
            *rows,
        ]
    return [
        {
            "risk": _brief_fill(risk, names),
            "likelihood": likelihood,
            "impact": impact,
            "mitigation": _brief_fill(mitigation, names),
        }
        for risk, likelihood, impact, mitigation in rows
    ]


def _summary(plan: Json) -> str:
    steps = plan["steps"]
    end = max((step["end_day"] for step in steps), default=0)
    effort = sum(step["effort_days"] for step in steps)
    return (
        f"{len(steps)} steps by {len(plan['agents'])} agents, {effort:g} days of work, done after "
        f"{end:g} working days; "
        f"the longest chain is {' > '.join(plan['critical_path'])}."
    )
