"""A small shop in a git repository, with and without notes, and two ways to run a command on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

SHOP = {
    ".gitignore": "__pycache__/\n",
    "README.md": "# Shop\n",
    "shop/__init__.py": "",
    "shop/basket.py": '''\
"""What a basket costs."""


class Basket:
    """Prices in cents."""

    def __init__(self) -> None:
        self.prices: list[int] = []

    def add(self, price: int) -> None:
        self.prices.append(price)

    def total(self) -> int:
        return sum(self.prices)


def postage(total: int) -> int:
    """Free from fifty euros on."""
    if total >= 5000:
        return 0
    return 490
''',
    "tests/test_basket.py": """\
from shop.basket import Basket, postage


def test_total():
    basket = Basket()
    basket.add(3)
    basket.add(4)
    assert basket.total() == 7


def test_postage_is_charged():
    assert postage(4999) == 490


def test_postage_is_free_from_fifty_euros_on():
    assert postage(5000) == 0
""",
}
FAILING = "tests/test_basket.py::test_postage_is_free_from_fifty_euros_on"
GIT = {
    "GIT_AUTHOR_NAME": "A. Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A. Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
LOCAL = {
    "SWE_SLEEP_SANDBOX__BACKEND": "local",
    "SWE_SLEEP_SLEEP__IDLE": "false",  # a busy machine must not hold tests up
    "SWE_SLEEP_SLEEP__HUNT": "false",  # it goes on for as long as passes come
}


@dataclass(frozen=True)
class Ran:
    """What a command line gave."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


def environment(**more: str) -> dict[str, str]:
    """The machine's, without what would change a command's behaviour."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "SWE_SLEEP_", "ANTHROPIC_", "_SWE"))
        and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")
    }
    return kept | GIT | LOCAL | more


def run_process(
    arguments: Sequence[str],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 150,
) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "swe_sleep", *arguments],
        cwd=cwd,
        env=env or environment(),
        input=stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8"))


@pytest.fixture
def process() -> Cli:
    """`process([arguments], cwd)` runs a command line as a user would."""
    return run_process


@pytest.fixture
def clean_environment() -> Callable[..., dict[str, str]]:
    return environment


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """`cli(cwd, *arguments)` runs a command line in this process."""
    from swe_sleep.cli import app

    for name, value in LOCAL.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(cwd: Path, *arguments: str) -> Ran:
        monkeypatch.chdir(cwd)
        capfd.readouterr()
        code = app.run(arguments)
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def refused() -> Callable[..., None]:
    """`refused(ran, *words)`: exit code 2 (or `code`), nothing on stdout, and one line on stderr
    that says these words."""

    def check(ran: Ran, *words: str, code: int = 2) -> None:
        assert (ran.code, ran.out) == (code, ""), ran
        lines = [line for line in ran.err.splitlines() if not line.startswith("…")]
        assert len(lines) == 1, ran.err
        assert lines[0].startswith("swe-sleep: ")
        for word in words:
            assert word in lines[0]

    return check


@pytest.fixture
def shop(make_repository: Callable[..., Path]) -> Path:
    """The shop, whole, with no notes."""
    return make_repository(SHOP, name="shop")


@pytest.fixture(scope="session")
def _slept_once(made_once: Callable[..., Path]) -> Path:
    def make(root: Path) -> None:
        for path, text in SHOP.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        for command in ("init -q -b main", "add -A", "commit -q -m First"):
            subprocess.run(["git", *command.split()], cwd=root, env=environment(), check=True)
        first = run_process(["sleep"], root)
        assert first.code == 0, first
        break_shop(root)
        second = run_process(["sleep"], root)
        assert second.code == 0, second

    return made_once("slept", make)


def break_shop(root: Path) -> None:
    file = root / "shop" / "basket.py"
    file.write_text(file.read_text().replace("total >= 5000", "total > 5000"))


@pytest.fixture(name="break_shop")
def _break_shop() -> Callable[[Path], None]:
    """`break_shop(root)` makes the edit that `FAILING` shows."""
    return break_shop


@pytest.fixture
def slept(_slept_once: Path, tmp_path: Path) -> Path:
    """The shop, broken and not committed, with the notes of two passes: before and after."""
    root = tmp_path / "slept" / "shop"
    shutil.copytree(_slept_once, root, symlinks=True)
    return root


@pytest.fixture
def failing() -> str:
    """The test that shows what is wrong in `slept`."""
    return FAILING
