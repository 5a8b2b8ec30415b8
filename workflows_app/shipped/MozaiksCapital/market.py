"""The bundled market: five asset classes with round, synthetic expectations.

Rule: nothing here is a forecast or a quotation; the figures are plausible long-run assumptions, made up.
"""

from dataclasses import dataclass
from math import log, sqrt

AS_OF = "2026-01-01"
SOURCE = "synthetic, bundled"
DISCLAIMER = (
    "This is a calculation with synthetic assumptions, not investment advice and not an offer. Real "
    "markets can do worse than "
    "any figure here. Before you invest, check fees, taxes and your own situation, or ask a licensed adviser."
)


@dataclass(frozen=True)
class Asset:
    """``expected`` and ``volatility`` are a year's arithmetic mean and standard deviation, as fractions."""

    name: str
    expected: float
    volatility: float
    crash: float
    rate_shock: float
    slump: float
    role: str

    @property
    def log_volatility(self) -> float:
        return sqrt(log(1 + (self.volatility / (1 + self.expected)) ** 2))

    @property
    def log_mean(self) -> float:
        return log(1 + self.expected) - self.log_volatility**2 / 2


EQUITIES, BONDS, PROPERTY, GOLD, CASH = "World equities", "Investment-grade bonds", "Listed real estate", "Gold", "Cash"

ASSETS: tuple[Asset, ...] = (
    Asset(
        EQUITIES, 0.068, 0.165, -0.42, -0.18, 0.020, "the engine of growth; it falls deepest and recovers over years"
    ),
    Asset(
        BONDS,
        0.032,
        0.055,
        0.03,
        -0.14,
        0.020,
        "steadies the portfolio and pays interest; suffers when rates rise quickly",
    ),
    Asset(
        PROPERTY,
        0.055,
        0.180,
        -0.45,
        -0.22,
        0.015,
        "rents that tend to follow prices; moves much like equities in a crisis",
    ),
    Asset(GOLD, 0.035, 0.150, 0.06, -0.02, 0.030, "moves on its own; a small share softens bad years"),
    Asset(
        CASH, 0.020, 0.008, 0.00, 0.01, 0.015, "keeps its number and is there at once; loses to prices in the long run"
    ),
)

# Correlations of yearly returns, in the order of ASSETS.
CORRELATION: tuple[tuple[float, ...], ...] = (
    (1.00, 0.10, 0.70, 0.05, 0.00),
    (0.10, 1.00, 0.20, 0.15, 0.20),
    (0.70, 0.20, 1.00, 0.10, 0.00),
    (0.05, 0.15, 0.10, 1.00, 0.00),
    (0.00, 0.20, 0.00, 0.00, 1.00),
)

# Shares in percent by risk, in the order of ASSETS.
MIX: dict[str, tuple[int, ...]] = {"low": (20, 50, 5, 5, 20), "medium": (50, 32, 8, 5, 5), "high": (75, 10, 8, 5, 2)}


def cholesky(matrix: tuple[tuple[float, ...], ...] = CORRELATION) -> list[list[float]]:
    """The lower triangle L with L L' = matrix."""
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = sqrt(rest) if i == j else rest / lower[j][j]
    return lower
