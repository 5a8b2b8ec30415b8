"""The computation: allocation, compounding, fees, inflation, seeded Monte Carlo, stress, rebalancing.

Rule: pure and deterministic. The same inputs give the same figures, and all inputs are simulated with the same random
years, so that two answers differ by the input that changed and by nothing else.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import ceil, exp, log, sqrt
from statistics import median

from .market import ASSETS, BONDS, CASH, CORRELATION, EQUITIES, MIX, Asset, cholesky

PATHS = 1000
SEED = 20260101
RISK_FREE = next(asset.expected for asset in ASSETS if asset.name == CASH)


@dataclass(frozen=True)
class Inputs:
    """Money in ``currency``; ``fee`` and ``inflation`` as fractions a year; ``equity`` fixes the equity share."""

    amount: float = 10_000.0
    currency: str = "EUR"
    years: float = 10.0
    monthly: float = 0.0
    risk: str = "medium"
    fee: float = 0.005
    inflation: float = 0.02
    goal: float | None = None
    equity: float | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Year:
    year: int
    p10: float
    p50: float
    p90: float
    contributed: float


@dataclass(frozen=True)
class Outcome:
    """``weights`` in the order they are shown. ``fee_drag`` is the money fees cost in the middle case."""

    weights: tuple[tuple[Asset, float], ...]
    projection: tuple[Year, ...]
    expected_return: float
    cagr: float
    volatility: float
    max_drawdown: float
    sharpe: float
    goal: float
    chance_of_goal: float
    fee_drag: float
    final_real: float


def allocate(
    risk: str, years: float, *, equity: float | None = None, exclude: Iterable[str] = ()
) -> list[tuple[Asset, float]]:
    """Weights in whole percent that sum to 1 exactly, also as floats. Short horizons hold fewer equities."""
    left = set(exclude)
    if {asset.name for asset in ASSETS} <= left:
        left = set()
    shares = dict(zip([asset.name for asset in ASSETS], map(float, MIX.get(risk, MIX["medium"])), strict=True))
    if equity is not None:
        shares = dict.fromkeys(shares, 0.0) | {EQUITIES: 100 * equity, BONDS: 100 * (1 - equity)}
    else:
        cap = 10.0 if years < 3 else 30.0 if years < 5 else 60.0 if years < 10 else 100.0
        over = max(0.0, shares[EQUITIES] - cap)
        shares[EQUITIES] -= over
        shares[BONDS] += over * (0.3 if years < 3 else 0.6)
        shares[CASH] += over * (0.7 if years < 3 else 0.4)
    shares = {name: 0.0 if name in left else share for name, share in shares.items()}
    if not sum(shares.values()):
        shares = {name: 0.0 if name in left else 1.0 for name in shares}
    whole = _whole_percents(shares)
    rows = sorted(((asset, whole[asset.name]) for asset in ASSETS if whole[asset.name]), key=lambda row: -row[1])
    return [(asset, percent / 100) for asset, percent in _exact_order(rows)]


def _whole_percents(shares: dict[str, float]) -> dict[str, int]:
    """Largest remainder: whole percents that sum to 100."""
    total = sum(shares.values())
    exact = {name: 100 * share / total for name, share in shares.items()}
    whole = {name: int(share) for name, share in exact.items()}
    for name in sorted(exact, key=lambda name: (whole[name] - exact[name], name))[: 100 - sum(whole.values())]:
        whole[name] += 1
    return whole


def _exact_order(rows: list[tuple[Asset, int]]) -> list[tuple[Asset, int]]:
    """The rows in the first order whose floats sum to 1.0 without a rounding error, largest first where possible."""
    return next(
        (list(order) for order in permutations(rows) if sum(percent / 100 for _, percent in order) == 1.0), rows
    )


def compound(amount: float, monthly: float, rate: float, years: float, fee: float = 0.0) -> float:
    """The value of ``amount`` and contributions at each month's end, at a fixed yearly ``rate`` less ``fee``."""
    net = (1 + rate) * (1 - fee)
    step = float(net ** (1 / 12)) - 1
    months = round(years * 12)
    grown = float(amount * (1 + step) ** months)
    paid = monthly * months if abs(step) < 1e-12 else monthly * ((1 + step) ** months - 1) / step
    return grown + paid


def portfolio_return(weights: Iterable[tuple[Asset, float]]) -> float:
    """The expected arithmetic return of a year, before fees."""
    return sum(asset.expected * weight for asset, weight in weights)


def portfolio_volatility(weights: Iterable[tuple[Asset, float]]) -> float:
    """Standard deviation of a year: the square root of w' S w."""
    at = {asset.name: number for number, asset in enumerate(ASSETS)}
    rows = list(weights)
    variance = sum(
        a_weight * b_weight * a.volatility * b.volatility * CORRELATION[at[a.name]][at[b.name]]
        for a, a_weight in rows
        for b, b_weight in rows
    )
    return sqrt(variance)


@lru_cache(maxsize=256)
def simulate(inputs: Inputs) -> Outcome:
    """A thousand possible courses of the portfolio, rebalanced every year, in pairs of opposite luck."""
    weights = tuple(allocate(inputs.risk, inputs.years, equity=inputs.equity, exclude=inputs.exclude))
    lengths = [1.0] * int(inputs.years) + ([inputs.years % 1] if inputs.years % 1 > 0.01 else [])
    lengths = lengths or [inputs.years]
    net_years = _random_years(weights, len(lengths), inputs.fee)
    values: list[list[float]] = [[] for _ in lengths]
    growths, falls, free_finals = [], [], []
    for path in net_years:
        wealth, free, index, peak, fall = inputs.amount, inputs.amount, 1.0, 1.0, 0.0
        for number, (length, gross) in enumerate(zip(lengths, path, strict=True)):
            grow, grow_free = (gross * (1 - inputs.fee)) ** length, gross**length
            paid = inputs.monthly * 12 * length
            wealth = wealth * grow + paid * sqrt(grow)
            free = free * grow_free + paid * sqrt(grow_free)
            index *= grow
            peak = max(peak, index)
            fall = min(fall, index / peak - 1)
            values[number].append(wealth)
        growths.append(index)
        falls.append(fall)
        free_finals.append(free)
    contributed = inputs.amount + inputs.monthly * 12 * inputs.years
    goal = inputs.goal if inputs.goal is not None else _keeping_value(inputs)
    finals = sorted(values[-1])
    expected, volatility = portfolio_return(weights), portfolio_volatility(weights)
    net_expected = (1 + expected) * (1 - inputs.fee) - 1
    rows, passed = [], 0.0
    for number, length in enumerate(lengths):
        passed += length
        ordered = sorted(values[number])
        paid_in = inputs.amount + inputs.monthly * 12 * passed
        rows.append(Year(number + 1, _at(ordered, 0.1), _at(ordered, 0.5), _at(ordered, 0.9), round(paid_in, 2)))
    return Outcome(
        weights=weights,
        projection=tuple(rows),
        expected_return=net_expected,
        cagr=median(growths) ** (1 / inputs.years) - 1,
        volatility=volatility,
        max_drawdown=median(falls),
        sharpe=(net_expected - RISK_FREE) / volatility if volatility else 0.0,
        goal=goal,
        chance_of_goal=sum(1 for final in finals if final >= goal) / len(finals) if contributed else 0.0,
        fee_drag=max(0.0, median(free_finals) - median(finals)),
        final_real=_at(finals, 0.5) / (1 + inputs.inflation) ** inputs.years,
    )


def _random_years(weights: tuple[tuple[Asset, float], ...], years: int, fee: float) -> list[list[float]]:
    """Growth factors before fees, by path and year. Lognormal by asset, correlated, weights restored each year."""
    chance = random.Random(SEED)  # noqa: S311 - a simulation must repeat, secrecy is no matter
    lower = cholesky()
    share = {asset.name: weight for asset, weight in weights}
    held = [(number, asset, share[asset.name]) for number, asset in enumerate(ASSETS) if asset.name in share]
    paths: list[list[float]] = []
    for _ in range(PATHS // 2):
        one, other = [], []
        for _ in range(years):
            luck = [chance.gauss(0, 1) for _ in ASSETS]
            up = down = 0.0
            for number, asset, weight in held:
                z = sum(lower[number][k] * luck[k] for k in range(number + 1))
                up += weight * exp(asset.log_mean + asset.log_volatility * z)
                down += weight * exp(asset.log_mean - asset.log_volatility * z)
            one.append(up)
            other.append(down)
        paths += [one, other]
    return paths


def _keeping_value(inputs: Inputs) -> float:
    """What the payments must become to buy as much as when they were made."""
    return compound(inputs.amount, inputs.monthly, inputs.inflation, inputs.years)


def _at(ordered: list[float], share: float) -> float:
    """The value below which ``share`` of the sorted values lie, between the two nearest."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low), 2)


@dataclass(frozen=True)
class Stress:
    name: str
    description: str
    loss: float
    value_before: float
    value_after: float
    recovery_years: float | None


def stress(inputs: Inputs, outcome: Outcome) -> list[Stress]:
    """Bad courses and what they would do: at once, or over ten years. ``loss`` is a fraction, negative for a fall."""
    held = outcome.weights
    begin = inputs.amount or inputs.monthly * 12
    grow = max(outcome.expected_return, 0.001)

    def shock(name: str, description: str, loss: float, value: float) -> Stress:
        back = ceil(10 * log(1 / (1 + loss)) / log(1 + grow)) / 10 if loss < 0 else None
        return Stress(name, description, round(loss, 4), round(value, 2), round(value * (1 + loss), 2), back)

    crash = sum(weight * asset.crash for asset, weight in held)
    rates = sum(weight * asset.rate_shock for asset, weight in held)
    slow = sum(weight * asset.slump for asset, weight in held)
    late = outcome.projection[-1].p50
    years = min(10.0, inputs.years)
    slump = compound(inputs.amount, inputs.monthly, slow, years, inputs.fee)
    paid = inputs.amount + inputs.monthly * 12 * years
    found = [
        shock("Market crash", "Equities and property fall by more than 40 % within a year, as in 2008.", crash, begin),
        shock("Rates and prices jump", "Bonds and equities fall together, as in 2022.", rates, begin),
        shock("Crash just before the end", "The same crash meets the middle case in the last year.", crash, late),
        Stress(
            "Slow decade",
            f"{years:g} years in which everything earns about two percent.",
            round(slump / paid - 1, 4) if paid else 0.0,
            round(paid, 2),
            round(slump, 2),
            None,
        ),
    ]
    if inputs.monthly:
        half = inputs.years / 2
        stopped = compound(compound(inputs.amount, inputs.monthly, outcome.cagr, half), 0, outcome.cagr, half)
        full = compound(inputs.amount, inputs.monthly, outcome.cagr, inputs.years)
        found.append(
            Stress(
                "Contributions stop half-way",
                "Nothing is paid in during the second half.",
                round(stopped / full - 1, 4),
                round(full, 2),
                round(stopped, 2),
                None,
            )
        )
    return found


def rebalancing(outcome: Outcome) -> dict[str, object]:
    """When to restore the weights, and the trades after a year in which equities gain a quarter."""
    rows = [
        (asset.name, weight, weight * (1.25 if asset.name == EQUITIES else 1.0)) for asset, weight in outcome.weights
    ]
    total = sum(after for _, _, after in rows)
    return {
        "rule": (
            "Once a year, and whenever a share is more than five points (a fifth of small shares) away from its weight."
        ),
        "bands": [
            {
                "asset": name,
                "low": round(max(0.0, w - max(0.01, min(0.05, w / 5))), 4),
                "high": round(min(1.0, w + max(0.01, min(0.05, w / 5))), 4),
            }
            for name, w, _ in rows
        ],
        "example": "After a year in which equities gain 25 % and the rest stands still",
        "trades": [
            {"asset": name, "share_before_trade": round(after / total, 4), "trade": round(weight - after / total, 4)}
            for name, weight, after in rows
        ],
    }
