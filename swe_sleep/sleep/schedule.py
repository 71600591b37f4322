"""What is worth doing first, and all the numbers behind it.

    value  = chance that somebody asks about this code  (Interest)
           x how often such a note then has the answer  (Product.right, corrected by experience)
           x the seconds that it saves whoever asks     (Product.saves_s)
    cost   = seconds, as units of this kind took here   (Experience; a guess until then)
           + money, at what a person's time costs       (USD_S)

Value per cost decides the order among units that the same person waits for (`Level`). The products
say in one place what each sort of unit is worth; passes make their units from them:

    yield schedule.SUMMARY.unit(
        producer, path, inputs, cost_s=8.0, chance=work.interest.of(path), tokens=4000, usd=0.02
    )
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from swe_sleep.notes.ledger import Run
from swe_sleep.notes.store import Store
from swe_sleep.sleep.units import Level, Unit

USD_S = 60.0
"""Seconds of a person's time that are worth a US dollar."""
LEAST_COST_S = 0.01


@dataclass(frozen=True, slots=True)
class Product:
    """What a sort of unit makes, and what that is worth."""

    name: str
    level: Level
    right: float
    """How often, when somebody asks about the code, such a note has the answer: its
    predictability. A first guess; `Experience` corrects it by what was used here."""
    saves_s: float
    """What it saves then."""

    def unit(
        self,
        producer: str,
        subject: str,
        inputs: Mapping[str, str],
        *,
        cost_s: float,
        chance: float = 1.0,
        paths: tuple[str, ...] = (),
        tokens: int = 0,
        usd: float = 0.0,
    ) -> Unit:
        """A unit that makes this, where `chance` is that of somebody asking about its subject
        (`Interest`), and `tokens` and `usd` are upper bounds of what a model may cost."""
        value = chance * self.right * self.saves_s
        return Unit(
            producer, subject, inputs, value, cost_s, paths, self.level, self.name, tokens, usd
        )


# What whoever made an edit waits for: did it break something, why, and what is the mend?
OUTLINE = Product("outlines", Level.PROOF, 1.0, 1000)
"""Everything else is read off them."""
GRAPH = Product("graph", Level.PROOF, 0.1, 600)
TESTS_TOUCHED = Product("outcomes of touched tests", Level.PROOF, 1.0, 900)
"""Somebody just changed what these ran: nothing is more likely to be asked about."""
TESTS_NEAREST = Product("outcomes of the nearest tests", Level.PROOF, 1.0, 600)
DIAGNOSIS = Product("diagnosis", Level.PROOF, 1.0, 500)
PATCH = Product("tested patch", Level.PROOF, 1.0, 900)
CAUSE = Product("hunks that broke it", Level.PROOF, 1.0, 900)

# What else the change puts at risk, which no test of the repository shows.
LEADS = Product("leads", Level.CHANGE, 0.5, 600)
CHECKS = Product("new findings", Level.CHANGE, 0.2, 600)
TESTS_PENDING = Product("outcomes of pending tests", Level.CHANGE, 0.5, 600)
TESTS_NEAR = Product("outcomes of near tests", Level.CHANGE, 0.2, 600)
PROOF = Product("proof of a lead", Level.CHANGE, 0.2, 900)
DIFFERENCE = Product("changed behaviour", Level.CHANGE, 0.1, 900)
"""Old version against new on harvested inputs, where there is no lead."""

MODEL_PATCH = Product("patch by a model", Level.CHANGE, 0.5, 900)
"""For a proven issue that the search could not mend."""

# Longer sleep.
HISTORY = Product("history", Level.SLEEP, 0.2, 100)
HISTORY_OLDER = Product("older history", Level.SLEEP, 0.1, 100)
LAYOUT = Product("layout", Level.SLEEP, 0.05, 100)
ENVIRONMENT = Product("environment", Level.SLEEP, 0.1, 300)
TESTS_FAR = Product("outcomes of far tests", Level.SLEEP, 0.1, 400)
RISK = Product("risk", Level.SLEEP, 0.5, 600)
"""What the rest of the sleep is spent on depends on it."""
SUMMARY = Product("summary", Level.SLEEP, 0.5, 120)
ANTICIPATION = Product("anticipated issues", Level.SLEEP, 0.2, 900)
REPRODUCTION = Product("proof of an anticipated issue", Level.SLEEP, 0.4, 900)
PATCH_FOUND = Product("tested patch of a found bug", Level.SLEEP, 0.3, 900)
HUNT = Product("hunted bugs", Level.SPARE, 0.05, 1800)

PRODUCTS = {
    product.name: product for product in list(globals().values()) if isinstance(product, Product)
}


# -- the chance that somebody asks -----------------------------------------------------------------

CHANGED = 0.9
"""Of code that was just changed."""
ON_BRANCH = 0.5
"""Of a file that differs from where the branch left the default branch: work under way."""
RISKIEST = 0.4
"""Of the riskiest file; the others in proportion."""
ANY = 0.05
"""Of any code."""


@dataclass
class Interest:
    """How likely somebody asks about a file in the next days."""

    changed: Collection[str] = ()
    """What changed since the last pass."""
    branch: Callable[[], Collection[str]] = tuple
    """What differs from the default branch's merge base; asked for once, when needed."""
    risk: Callable[[], Mapping[str, float]] = dict
    """Risk of a file, from 0 to 1 for the riskiest; asked for once, when needed."""
    _branch: Collection[str] | None = field(default=None, init=False)
    _risk: Mapping[str, float] | None = field(default=None, init=False)

    def of(self, *paths: str) -> float:
        """The chance for the likeliest of these files; that of any code for none."""
        return max(map(self._of, paths), default=ANY)

    def _of(self, path: str) -> float:
        if path in self.changed:
            return CHANGED
        if self._branch is None:
            self._branch = self.branch()
        if self._risk is None:
            self._risk = self.risk()
        reasons = (ANY, ON_BRANCH * (path in self._branch), RISKIEST * self._risk.get(path, 0.0))
        return _any_of(reasons)


def _any_of(chances: Iterable[float]) -> float:
    """The chance that at least one of independent reasons holds."""
    none = 1.0
    for chance in chances:
        none *= 1.0 - chance
    return 1.0 - none


# -- the order -------------------------------------------------------------------------------------


def urgency(unit: Unit) -> tuple[int, float]:
    """The larger, the sooner."""
    cost_s = max(unit.cost_s + unit.usd * USD_S, LEAST_COST_S)
    return (-unit.level, unit.value / cost_s)


# -- what was learned here -------------------------------------------------------------------------

RUNS = 30
"""Last runs of a product's units that its cost is learned from."""
GUESSES = 2
"""Runs that the pass's own guess stands for beside them."""
ASKED = 10
"""Issues that `Product.right` stands for, beside those that were solved here."""


class Experience:
    """What this repository taught: how long units took, and whose notes were used."""

    def __init__(
        self, runs: Iterable[Run] = (), asked: int = 0, used: Mapping[str, int] | None = None
    ) -> None:
        """`runs` are oldest first; `asked` is how many issues were solved here, and `used` in how
        many of them a pass's notes were used."""
        self._ratios: dict[tuple[str, str], deque[float]] = {}
        self._asked = asked
        self._used = used or {}
        for run in runs:
            self.learn(run)

    @classmethod
    def of(cls, store: Store) -> Experience:
        """All that the store knows."""
        asked, used = store.uses()
        return cls(store.runs(last=RUNS), asked, used)

    def learn(self, run: Run) -> None:
        """A unit has run. One that failed says nothing of what the work takes."""
        if run.ended != "failed" and run.expected_s > 0:
            kept = self._ratios.setdefault((run.step, run.product), deque(maxlen=RUNS))
            kept.append(run.took_s / run.expected_s)

    def adjusted(self, unit: Unit) -> Unit:
        """The unit with its cost as such units took here (the median of what they took over what
        was guessed), and for what nobody waits for, its value as such notes were used."""
        return replace(unit, cost_s=unit.cost_s * self._cost(unit), value=self._value(unit))

    def _cost(self, unit: Unit) -> float:
        ratios = self._ratios.get((unit.step, unit.product), deque[float]())
        return statistics.median([*ratios, *[1.0] * GUESSES])

    def _value(self, unit: Unit) -> float:
        product = PRODUCTS.get(unit.product)
        if product is None or unit.level < Level.SLEEP:
            return unit.value
        used = self._used.get(unit.step, 0)
        right = (product.right * ASKED + used) / (ASKED + self._asked)
        return unit.value * right / product.right
