"""The figures of MozaiksCapital against computations of their own: closed forms, sums and a second simulation."""

import random
from fractions import Fraction
from itertools import product
from math import erf, exp, isclose, log, sqrt
from statistics import mean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows_app.shipped.MozaiksCapital.market import ASSETS, CORRELATION, MIX, cholesky
from workflows_app.shipped.MozaiksCapital.portfolio import (
    Inputs,
    allocate,
    compound,
    portfolio_return,
    portfolio_volatility,
    rebalancing,
    simulate,
    stress,
)

NAMES = [asset.name for asset in ASSETS]


@pytest.mark.requirement("WORKFLOWS MozaiksCapital weights sum to 1")
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["low", "medium", "high"]),
    st.floats(0.5, 60),
    st.one_of(st.none(), st.floats(0, 1)),
    st.sets(st.sampled_from(NAMES)),
)
def test_weights_are_whole_percents_that_sum_to_one_exactly(
    risk: str, years: float, equity: float | None, exclude: set[str]
) -> None:
    weights = [weight for _, weight in allocate(risk, years, equity=equity, exclude=exclude)]
    assert sum(weights) == 1.0, "no rounding error is left"
    assert all(weight > 0 and isclose(weight * 100, round(weight * 100), abs_tol=1e-9) for weight in weights)
    assert sum(Fraction(round(weight * 100), 100) for weight in weights) == 1


def test_every_equity_share_in_percents_sums_to_one_exactly() -> None:
    for percent in range(101):
        assert sum(weight for _, weight in allocate("medium", 20, equity=percent / 100)) == 1.0


def test_a_shorter_horizon_never_holds_more_equities() -> None:
    for risk in MIX:
        shares = [{a.name: w for a, w in allocate(risk, years)}.get(NAMES[0], 0) for years in (1, 4, 8, 20)]
        assert shares == sorted(shares)


def test_what_is_left_out_is_not_held() -> None:
    held = {asset.name for asset, _ in allocate("medium", 20, exclude=["Gold", "Cash"])}
    assert held == set(NAMES) - {"Gold", "Cash"}


@pytest.mark.parametrize("case", list(product([0, 12_000], [0, 250], [0.0, 0.04], [1, 7.5, 30], [0.0, 0.01])))
def test_compounding_equals_month_by_month_bookkeeping(case: tuple[float, float, float, float, float]) -> None:
    amount, monthly, rate, years, fee = case
    balance = float(amount)
    factor = ((1 + rate) * (1 - fee)) ** (1 / 12)
    for _ in range(round(years * 12)):
        balance = balance * factor + monthly
    assert compound(amount, monthly, rate, years, fee) == pytest.approx(balance, rel=1e-9)


def test_volatility_is_the_square_root_of_the_double_sum() -> None:
    weights = allocate("medium", 20)
    share = {asset.name: weight for asset, weight in weights}
    total = 0.0
    for i, a in enumerate(ASSETS):
        for j, b in enumerate(ASSETS):
            total += share.get(a.name, 0) * share.get(b.name, 0) * a.volatility * b.volatility * CORRELATION[i][j]
    assert portfolio_volatility(weights) == pytest.approx(sqrt(total))
    assert portfolio_return(weights) == pytest.approx(sum(a.expected * share.get(a.name, 0) for a in ASSETS))


def test_the_correlations_can_exist() -> None:
    lower = cholesky()
    for i, j in product(range(5), repeat=2):
        assert CORRELATION[i][j] == CORRELATION[j][i]
        assert sum(lower[i][k] * lower[j][k] for k in range(5)) == pytest.approx(CORRELATION[i][j], abs=1e-12)


def test_one_asset_follows_the_lognormal_law() -> None:
    """Only equities, no contributions: median, quantiles and the chance of a goal have a closed form."""
    others = tuple(NAMES[1:])
    inputs = Inputs(amount=10_000, years=16, fee=0.01, exclude=others, goal=20_000)
    outcome = simulate(inputs)
    asset = ASSETS[0]
    centre = log(10_000) + 16 * (asset.log_mean + log(1 - 0.01))
    spread = asset.log_volatility * sqrt(16)
    last = outcome.projection[-1]
    assert last.p50 == pytest.approx(exp(centre), rel=0.04)
    assert last.p10 == pytest.approx(exp(centre - 1.2816 * spread), rel=0.08)
    assert last.p90 == pytest.approx(exp(centre + 1.2816 * spread), rel=0.08)
    chance = 0.5 * (1 + erf((centre - log(20_000)) / (spread * sqrt(2))))
    assert outcome.chance_of_goal == pytest.approx(chance, abs=0.04)
    assert outcome.cagr == pytest.approx(exp(asset.log_mean) * 0.99 - 1, abs=0.003)
    assert outcome.sharpe == pytest.approx(((1.068 * 0.99 - 1) - 0.02) / 0.165, abs=1e-9)
    free = exp(centre - 16 * log(0.99))
    assert outcome.fee_drag == pytest.approx(free - exp(centre), rel=0.06)


def test_the_mixed_portfolio_equals_a_second_simulation() -> None:
    """Written again from the definitions with other random numbers, and more of them."""
    inputs = Inputs(amount=20_000, years=12, monthly=200, fee=0.004, goal=60_000)
    outcome = simulate(inputs)
    chance = random.Random(7)
    lower = cholesky()
    share = {asset.name: weight for asset, weight in outcome.weights}
    finals, indices, falls = [], [], []
    for _ in range(6000):
        wealth, index, peak, fall = 20_000.0, 1.0, 1.0, 0.0
        for _ in range(12):
            luck = [chance.gauss(0, 1) for _ in ASSETS]
            year = 0.0
            for n, asset in enumerate(ASSETS):
                z = sum(lower[n][k] * luck[k] for k in range(n + 1))
                year += share.get(asset.name, 0) * exp(asset.log_mean + asset.log_volatility * z)
            year *= 1 - 0.004
            wealth = wealth * year + 2400 * sqrt(year)
            index *= year
            peak = max(peak, index)
            fall = min(fall, index / peak - 1)
        finals.append(wealth)
        indices.append(index)
        falls.append(fall)
    finals.sort()
    last = outcome.projection[-1]
    assert last.p50 == pytest.approx(finals[3000], rel=0.03)
    assert last.p10 == pytest.approx(finals[600], rel=0.04)
    assert last.p90 == pytest.approx(finals[5400], rel=0.04)
    assert outcome.chance_of_goal == pytest.approx(sum(f >= 60_000 for f in finals) / 6000, abs=0.04)
    assert outcome.cagr == pytest.approx(median(indices) ** (1 / 12) - 1, abs=0.004)
    assert outcome.max_drawdown == pytest.approx(median(falls), abs=0.02)


def test_the_mean_of_the_courses_is_the_expected_return() -> None:
    inputs = Inputs(amount=1_000, years=1, fee=0.0, risk="high")
    values = [simulate(inputs).projection[0]]
    assert values[0].p10 < values[0].p50 < values[0].p90
    expected = 1_000 * (1 + portfolio_return(allocate("high", 1)))
    assert mean([values[0].p10, values[0].p50, values[0].p90]) == pytest.approx(expected, rel=0.03)


def test_without_risk_and_fee_money_only_adds_up() -> None:
    inputs = Inputs(amount=1_000, monthly=100, years=5)
    assert [row.contributed for row in simulate(inputs).projection] == [2_200, 3_400, 4_600, 5_800, 7_000]


@pytest.mark.requirement("B59")
def test_the_same_inputs_give_the_same_figures() -> None:
    inputs = Inputs(amount=5_000, years=9.5)
    first = simulate(inputs)
    simulate.cache_clear()
    assert simulate(inputs) == first


def test_lower_fees_are_never_worse() -> None:
    cheap, dear = simulate(Inputs(fee=0.002)), simulate(Inputs(fee=0.015))
    for a, b in zip(cheap.projection, dear.projection, strict=True):
        assert a.p10 > b.p10
        assert a.p50 > b.p50
        assert a.p90 > b.p90
    assert cheap.fee_drag < dear.fee_drag
    assert simulate(Inputs(fee=0.0)).fee_drag == 0


def test_stress_uses_the_weights() -> None:
    inputs = Inputs(amount=10_000, years=20)
    outcome = simulate(inputs)
    crash = stress(inputs, outcome)[0]
    loss = sum(weight * asset.crash for asset, weight in outcome.weights)
    assert crash.loss == pytest.approx(loss, abs=1e-4)
    assert crash.value_after == pytest.approx(10_000 * (1 + loss), abs=0.01)
    assert crash.recovery_years is not None
    regained = crash.value_after * (1 + outcome.expected_return) ** crash.recovery_years
    assert regained >= 10_000 * 0.999


def test_rebalancing_trades_sum_to_nothing() -> None:
    shown = rebalancing(simulate(Inputs()))
    trades = shown["trades"]
    assert isinstance(trades, list)
    assert sum(row["trade"] for row in trades) == pytest.approx(0, abs=3e-4)
    assert trades[0]["trade"] < 0, "what grew is sold"


@pytest.mark.parametrize("years", [0.5, 1, 2.5, 60])
def test_short_broken_and_long_horizons(years: float) -> None:
    outcome = simulate(Inputs(years=years, monthly=10))
    assert outcome.projection[-1].contributed == pytest.approx(10_000 + 120 * years)
    assert len(outcome.projection) == -(-years // 1)
