"""A small project that sleeps for real: git, SQLite, the local sandbox."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.config import Settings, load
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.secrets import Masker
from swe_sleep.notes import kinds
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import SeenIssue, View
from swe_sleep.records import AnticipatedIssue, Outcome, TestResult, TestRun
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Backend
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Allowed, Desk
from swe_sleep.sleep.engine import Event, Pass, SleepReport
from swe_sleep.sleep.limits import Moment
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.graph import GraphPass
from swe_sleep.sleep.passes.history import HistoryPass
from swe_sleep.sleep.passes.impact import ImpactPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

SHOP = {
    ".gitignore": "__pycache__/\n",
    "shop/__init__.py": "",
    "shop/money.py": (
        '"""Money in cents."""\n\nVAT = 10\n\n\n'
        "def with_vat(cents):\n    return cents + cents * VAT // 100\n\n\n"
        "def euros(cents):\n    return f'{cents // 100}.{cents % 100:02}'\n"
    ),
    "shop/basket.py": (
        "from shop.money import with_vat\n\nLIMIT = 3\n\n\n"
        "def total(prices):\n    return sum(with_vat(price) for price in prices)\n\n\n"
        "def is_full(prices):\n    return len(prices) >= LIMIT\n"
    ),
    "tests/test_money.py": (
        "from shop.money import euros, with_vat\n\n\n"
        "def test_vat():\n    assert with_vat(100) == 110\n\n\n"
        "def test_euros():\n    assert euros(205) == '2.05'\n"
    ),
    "tests/test_basket.py": (
        "from shop.basket import is_full, total\n\n\n"
        "def test_total():\n    assert total([100, 200]) == 330\n\n\n"
        "def test_full_at_three():\n    assert is_full([1, 2, 3])\n\n\n"
        "def test_not_full_at_two():\n    assert not is_full([1, 2])\n"
    ),
}
"""Two modules, one importing the other, and five tests."""

QUICK: Sequence[Pass] = (OutlinePass(), GraphPass(), HistoryPass(), ImpactPass(), TestsPass())
DIAGNOSING: Sequence[Pass] = (*QUICK, DiagnosePass())
ALL: Sequence[Pass] = (*DIAGNOSING, SpeculatePass())


class Project:
    """A repository, edited as a person would, and its notes."""

    def __init__(self, root: Path, backend: Backend, git: Callable[..., str]) -> None:
        self.root = root
        self.backend = backend
        self._git = git
        self.repository = Repository.open(root)
        self.store = Store(self.repository.state_dir / "notes.db")
        self.flags: dict[str, Any] = {}
        self.events: list[Event] = []
        self._truth_run = Tests.run
        self.listener: Callable[[Event], None] = lambda event: None

    # -- the person ------------------------------------------------------------------------------

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def edit(self, path: str, before: str, after: str) -> None:
        text = self.read(path)
        assert text.count(before) == 1, (path, before, text)
        self.write(path, text.replace(before, after))

    def delete(self, path: str) -> None:
        (self.root / path).unlink()

    def git(self, *arguments: str) -> str:
        return self._git(self.root, *arguments)

    def commit(self, subject: str = "Work") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)

    # -- sleep -----------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        quick = {"tests.test_timeout_s": 20, "sleep.speculate_s": 90}
        return load(self.root, {"sleep.budget_s": 600, **quick, **self.flags})

    def sleeper(self, passes: Sequence[Pass] = QUICK, store: Store | None = None) -> Sleeper:
        return Sleeper(
            self.repository, store or self.store, self.settings, self.backend, passes, self._hear
        )

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self.listener(event)

    def sleep(
        self,
        passes: Sequence[Pass] = QUICK,
        *,
        seconds: float | None = None,
        stop: threading.Event | None = None,
    ) -> SleepReport:
        """One pass over the work tree as it is; `events` are those of this pass."""
        self.events.clear()
        return self.sleeper(passes).sleep(self.repository.snapshot(), stop=stop, seconds=seconds)

    # -- what is known -----------------------------------------------------------------------------

    @property
    def view(self) -> View:
        return View(self.store, self.repository.snapshot())

    @property
    def evidence(self) -> Evidence:
        snapshot = self.repository.snapshot()
        return Evidence(View(self.store, snapshot), snapshot, Contents(self.store, self.repository))

    def outcomes(self) -> dict[str, Outcome]:
        """What the fresh test notes claim, pending tests left out."""
        return {
            result.test_id: result.outcome
            for seen in self.view.fresh(kinds.TESTS)
            for result in seen.data(TestsOfFile).settled
        }

    def bad(self) -> set[str]:
        return {test for test, outcome in self.outcomes().items() if outcome.bad}

    def tests_of(self, path: str) -> TestsOfFile:
        """The data of a test file's fresh note."""
        seen = self.view.get(kinds.TESTS, path)
        assert seen is not None and seen.fresh
        return seen.data(TestsOfFile)

    @contextmanager
    def count_tests(self, ran: list[str]) -> Iterator[None]:
        """Adds the id of every test that a pass runs to `ran`, once a run."""
        run, ask = Tests.run, WarmTests._ask

        def counted(tests: Tests, *arguments: Any, **more: Any) -> TestRun:
            done = run(tests, *arguments, **more)
            ran.extend(result.test_id for result in done.results)
            return done

        def asked(warm: WarmTests, *arguments: Any) -> TestRun | None:
            done = ask(warm, *arguments)
            ran.extend(result.test_id for result in (done.results if done else ()))
            return done

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Tests, "run", counted)
            patch.setattr(WarmTests, "_ask", asked)
            self._truth_run = run
            yield

    def truth(self) -> dict[str, Outcome]:
        """What one whole run of pytest says."""
        snapshot = self.repository.snapshot()
        environment = self.backend.prepare(snapshot, progress=lambda line: None)
        with self.backend.open(snapshot, environment) as sandbox:
            run = self._truth_run(Tests(sandbox), None, timeout_s=120, test_timeout_s=20)
        found = {result.test_id: result.outcome for result in run.results}
        broken = {path for path in found if path.endswith("conftest.py")}
        for conftest in broken:  # it is every test file's below it
            folder = conftest.removesuffix("conftest.py")
            files = find_test_files(snapshot)
            found |= {file: found[conftest] for file in files if file.startswith(folder)}
        return {test: outcome for test, outcome in found.items() if test not in broken}

    def issues(self) -> list[SeenIssue]:
        return self.view.issues()

    def issue(self) -> AnticipatedIssue:
        """The one fresh issue that there is."""
        (seen,) = self.issues()
        return seen.issue

    def close(self) -> None:
        self.store.close()
        self.repository.close()


@pytest.fixture(scope="session")
def backend(environments: Path) -> LocalBackend:
    return LocalBackend(EnvironmentOptions(cache_dir=environments))


@pytest.fixture
def make_project(
    make_repository: Callable[..., Path], backend: LocalBackend, git: Callable[..., str]
) -> Iterator[Callable[..., Project]]:
    """`make_project({path: text})` makes a committed repository; the small shop by default."""
    with ExitStack() as stack:

        def make(files: Mapping[str, str] | None = None, name: str = "repo") -> Project:
            root = make_repository(SHOP if files is None else files, name)
            project = Project(root, backend, git)
            stack.callback(project.close)
            return project

        yield make


@pytest.fixture
def shop(make_project: Callable[..., Project]) -> Project:
    return make_project()


@pytest.fixture
def results_by_id() -> Callable[[Sequence[TestResult]], dict[str, TestResult]]:
    return lambda results: {result.test_id: result for result in results}


# -- asking a model ------------------------------------------------------------------------------


class Clock:
    """Clocks that a test sets."""

    def __init__(self, wall: float = 1_790_000_000.0) -> None:
        self.wall = wall
        self.boot = "one"
        self.ticks = 1000.0

    def __call__(self) -> Moment:
        return Moment(self.wall, self.boot, self.ticks)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.ticks += seconds


class Office:
    """A store, and desks that ask the local server, one a pass."""

    def __init__(self, api: Any, folder: Path, stack: ExitStack) -> None:
        self.api = api
        self.folder = folder
        self.store = Store(folder / "notes.db")
        self.clock = Clock()
        self.said: list[str] = []
        self._models: dict[str, ClaudeModel] = {}
        self._stack = stack
        stack.callback(self.store.close)

    def desk(
        self,
        *,
        batch: bool = False,
        model: str = "claude-opus-5-5",
        seconds: float = 600,
        secrets: Sequence[str] = (),
        stop: threading.Event | None = None,
        **limits: Any,
    ) -> Desk:
        """A new pass's desk."""
        if model not in self._models:
            options = ClientOptions(
                model=model, base_url=self.api.url, api_key="k", max_retries=1, thinking=False
            )
            self._models[model] = self._stack.enter_context(ClaudeModel(options))
        desk = Desk(
            self.store,
            self._models[model],
            prices(),
            lambda: Masker(secrets, key=b"0" * 32),
            Budget(seconds, stop=stop or threading.Event()),
            Allowed(**limits),
            self.said.append,
            batch=batch,
            folder=self.folder / "trajectories",
            clock=self.clock,
        )
        desk.begin()
        return desk

    def usd(self) -> float:
        """What the ledger says was spent."""
        return sum(line.usage.cost_usd or 0.0 for line in self.store.spent())


@pytest.fixture
def office(messages_api: Any, tmp_path: Path) -> Iterator[Office]:
    import anthropic  # noqa: F401  # takes seconds, which are not to count against a limit

    with ExitStack() as stack:
        yield Office(messages_api, tmp_path, stack)
