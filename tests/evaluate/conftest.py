"""A small ranking of our own to be judged, and repositories with issues whose fixes are known."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swe_sleep.evaluate.instances import Instance
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.ranking import Ranker
from swe_sleep.evaluate.run import Report, evaluate
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Sandbox

# A ranking by words in paths, symbols and past commits, that keeps artefacts; and that fails in
# the ways a text asks for.
STAND_IN = '''\
import os
import signal
from dataclasses import dataclass

from swe_sleep.errors import RepositoryError
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.store import words
from swe_sleep.records import Place


@dataclass(frozen=True)
class Found:
    place: Place
    qualname: str
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    files: tuple[Found, ...]
    functions: tuple[Found, ...]
    confidence: float
    sure: bool
    pending: tuple[str, ...] = ()


class Locator:
    VERSION = "1"

    def __init__(self, outlines, past):
        self.outlines, self.past = outlines, past

    @classmethod
    def of_commit(cls, repository, revision, store, *, progress):
        assert repository.head()[0] == revision
        snapshot = repository.snapshot_of(revision)
        progress("outlines")
        outlines = Outlines(store, snapshot)
        store.record(artefacts=outlines.make(outlines.missing()))
        past = []
        for commit in repository.commits():
            text = f"{commit.subject} {commit.body}"
            past.append((set(words(text)), [change.path for change in commit.files]))
            store.record(artefacts=[("past", commit.id, text.encode())])
        return cls(outlines, past)

    def locate(self, text, *, limit=50, without=frozenset()):
        if "RAISE" in text:
            raise ValueError("asked to")
        if "REFUSE" in text:
            raise RepositoryError("refused to.")
        if "DIE" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        asked = set(words(text))
        files, functions = [], []
        for path in sorted(self.outlines.languages):
            outline = self.outlines.get(path)
            score = 2.0 * len(asked & set(words(path)))
            if "past" not in without:
                score += sum(len(asked & said) for said, paths in self.past if path in paths)
            for symbol in outline.symbols:
                hit = len(asked & set(words(symbol.qualname)))
                place = Place(path, symbol.line, symbol.end_line)
                functions.append(Found(place, symbol.qualname, score + hit, ("name",)))
                score += hit
            files.append(Found(Place(path), "", score, ("words",)))
        files, functions = (
            tuple(sorted(found, key=lambda each: -each.score)[:limit])
            for found in (files, functions)
        )
        confidence = min(1.0, files[0].score / 10) if files else 0.0
        return Ranking(files, functions, confidence, confidence > 0.5)


class Leaky(Locator):
    """Reads what it must not."""

    @classmethod
    def of_commit(cls, repository, revision, store, *, progress):
        repository.git.run("cat-file", "-p", os.environ["LATER"])
        return super().of_commit(repository, revision, store, progress=progress)
'''


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the module `standin.ranker`, which processes can import too."""
    package = tmp_path / "importable" / "standin"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    file = package / "ranker.py"
    file.write_text(STAND_IN)
    monkeypatch.syspath_prepend(package.parent)
    yield file
    forget()


def forget() -> None:
    for name in ("standin.ranker", "standin"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


@pytest.fixture
def sandbox(base: Snapshot, environments: Path) -> Iterator[Sandbox]:
    """Open on the test's own snapshot `base`; plain, as what is tried is no protection of it."""
    backend = LocalBackend(EnvironmentOptions(cache_dir=environments), level="plain")
    environment = backend.prepare(base, progress=lambda text: None)
    with backend.open(base, environment) as opened:
        yield opened


@dataclass
class Past:
    """A repository below a folder of mirrors, and the ids of its commits, oldest first."""

    root: Path
    ids: list[str] = field(default_factory=list)


@pytest.fixture
def make_past(tmp_path: Path, git: Callable[..., str]) -> Callable[..., Past]:
    """`make_past("owner/name", [(message, {path: content}), ...])`: one commit each; a content
    that is None removes the file."""

    def make(repo: str, story: list[tuple[str, Mapping[str, str | None]]]) -> Past:
        past = Past(tmp_path / "mirrors" / repo)
        past.root.mkdir(parents=True)
        git(past.root, "init", "-q", "-b", "main")
        for message, files in story:
            for path, content in files.items():
                file = past.root / path
                file.parent.mkdir(parents=True, exist_ok=True)
                if content is None:
                    file.unlink()
                else:
                    file.write_text(content)
            git(past.root, "add", "-A")
            git(past.root, "commit", "-q", "--allow-empty", "-m", message)
            past.ids.append(git(past.root, "rev-parse", "HEAD"))
        return past

    return make


@pytest.fixture
def shop(make_past: Callable[..., Past]) -> Past:
    """The repository `acme/shop`, of two commits."""
    return make_past(
        "acme/shop",
        [
            (
                "Add the shop",
                {
                    "src/shop/basket.py": "class Basket:\n    def total(self):\n        return 0\n",
                    "src/shop/postage.py": "def postage(total):\n    return 490\n",
                    "tests/test_basket.py": "def test_basket():\n    pass\n",
                },
            ),
            (
                "Round cents in the receipt",
                {"src/shop/receipt.py": "def rounded():\n    return 1\n"},
            ),
        ],
    )


@pytest.fixture
def instance() -> Callable[..., Instance]:
    """`instance(text, name=..., **fields)` is an issue of the shop, fixed in its basket."""

    def make(text: str = "the basket has no total", name: str = "acme__shop-1", **more: Any) -> Any:
        fields: dict[str, Any] = {
            "instance_id": name,
            "repo": "acme/shop",
            "base_commit": "0" * 40,
            "problem_statement": text,
            "gold_py_files": ["src/shop/basket.py"],
            "gold_functions": ["src/shop/basket.py::Basket.total"],
        }
        return msgspec.convert(fields | more, Instance)

    return make


@pytest.fixture
def issue(shop: Past, instance: Callable[..., Instance]) -> Callable[..., Instance]:
    """An instance at the shop's last commit."""

    def make(*arguments: Any, **more: Any) -> Instance:
        return instance(*arguments, **{"base_commit": shop.ids[-1], **more})

    return make


@pytest.fixture
def judge(stand_in: Path, tmp_path: Path) -> Callable[..., Report]:
    """`judge(instances, ...)` evaluates the stand-in on them."""

    def run(
        instances: list[Instance],
        *,
        repos: Path | None = None,
        work: Path | None = None,
        place: str = "standin.ranker:Locator",
        without: frozenset[str] = frozenset(),
        **more: Any,
    ) -> Report:
        ranker = Ranker(place, without)
        mirrors = Mirrors(repos or tmp_path / "mirrors")
        return evaluate(instances, mirrors, ranker, work or tmp_path / "work", **more)

    return run


@pytest.fixture
def change_stand_in(stand_in: Path) -> Callable[[str, str], None]:
    """`change_stand_in(old, new)` edits the stand-in's source."""

    def change(old: str, new: str) -> None:
        text = stand_in.read_text()
        assert old in text
        stand_in.write_text(text.replace(old, new))
        forget()

    return change
