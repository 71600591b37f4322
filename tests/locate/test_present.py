"""The locator of a work tree, from what notes there are: many, few, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.locate import kept, present
from swe_sleep.locate.corpus import Corpus
from swe_sleep.locate.locator import Locator
from swe_sleep.notes.documents import Documents
from swe_sleep.notes.past import read
from swe_sleep.notes.reading import Reading
from swe_sleep.notes.store import Store
from swe_sleep.repo.repository import Repository

FILES = {
    "shop/__init__.py": "",
    "shop/money.py": "def with_vat(cents):\n    '''Adds the tax.'''\n    return cents * 11 // 10\n",
    "shop/basket.py": "from shop.money import with_vat\n\n\ndef total(prices): ...\n",
    "shop/shelf.py": "class Shelf:\n    def take(self, milk):\n        return milk\n",
    "tests/test_money.py": "from shop.money import with_vat\n",
}
ISSUE = "with_vat rounds the tax down"


class Tree:
    def __init__(self, root: Path, git: Callable[..., str]) -> None:
        self.root = root
        self._git = git
        self.repository = Repository.open(root)
        self.store = Store(self.repository.state_dir / "notes.db")

    def commit(self, message: str, **texts: str) -> None:
        self.write({name.replace("__", "/") + ".py": text for name, text in texts.items()})
        self._git(self.root, "add", "-A")
        self._git(self.root, "commit", "-q", "--allow-empty", "-m", message)

    def write(self, texts: dict[str, str]) -> None:
        for path, text in texts.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def sleep(self) -> None:
        """As far as `locate` needs it."""
        snapshot = self.repository.snapshot()
        documents = Documents(self.store, snapshot)
        documents.make()
        self.store.record(artefacts=kept.write(self.store, documents))
        reading = Reading(self.store, self.repository.git, snapshot.head or "")
        while reading.unread or not reading.stored:
            self.store.record(artefacts=reading.read())

    def locator(self, before: Locator | None = None) -> Locator:
        return present.locator(
            self.repository, self.repository.snapshot(), self.store, before=before
        )

    def afresh(self) -> Locator:
        """With everything made in full, and nothing that was kept laid out."""
        snapshot = self.repository.snapshot()
        documents = Documents(self.store, snapshot)
        documents.make()
        past = read(self.repository, snapshot.head or "")
        return Locator(Corpus(documents.load()), past, past.words())


@pytest.fixture
def tree(make_repository: Callable[..., Path], git: Callable[..., str]) -> Iterator[Tree]:
    tree = Tree(make_repository(), git)
    tree.write(FILES)
    tree.commit("Open the shop")
    tree.commit("Round the tax with the VAT", shop__money=FILES["shop/money.py"] + "# half up\n")
    yield tree
    tree.store.close()
    tree.repository.close()


def same(one: Locator, other: Locator) -> None:
    for issue in (ISSUE, "Shelf.take loses milk", "total is wrong"):
        assert one.locate(issue) == other.locate(issue)


def test_a_repository_that_was_slept_on_lacks_nothing(tree: Tree) -> None:
    tree.sleep()
    found = tree.locator()
    assert found.locate(ISSUE).pending == ()
    assert found.locate(ISSUE).files[0].place.path == "shop/money.py"
    same(found, tree.afresh())


@pytest.mark.parametrize(
    "edit",
    [
        {"shop/shelf.py": "class Shelf:\n    def take(self, tax, vat):\n        return tax\n"},
        {"shop/tax.py": "from shop.money import with_vat\n\n\ndef tax(): ...\n"},
    ],
    ids=["changed", "new"],
)
def test_edits_count_at_once(tree: Tree, edit: dict[str, str]) -> None:
    tree.sleep()
    before = tree.locator()
    before.locate(ISSUE)
    tree.write(edit)
    (tree.root / "tests/test_money.py").unlink()
    expected = tree.afresh()
    same(tree.locator(), expected)
    same(tree.locator(before), expected)


def test_a_new_commit_is_read_on_the_spot_and_kept(tree: Tree) -> None:
    tree.sleep()
    tree.commit("Milk is taken off the shelf", shop__shelf="class Shelf: ...\n")
    found = tree.locator()
    assert found.locate(ISSUE).pending == ()
    assert len(found.past) == 3
    same(found, tree.afresh())


def test_commits_that_a_deeper_clone_brings_are_read(
    tree: Tree, git: Callable[..., str], tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", tree.root.as_uri(), "shallow")
    shallow = Tree(tmp_path / "shallow", git)
    shallow.sleep()
    assert len(shallow.locator().past) == 0  # where it is cut off, changes are not known
    git(shallow.root, "fetch", "-q", "--unshallow")
    assert len(shallow.locator().past) == 2
    shallow.store.close()
    shallow.repository.close()


def test_nothing_is_laid_out_twice_in_one_process(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.sleep()
    before = tree.locator()

    def refuse(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(kept, "load", refuse)
    again = tree.locator(before)
    assert again.past is before.past and again.corpus.layout is before.corpus.layout


def test_a_repository_never_seen_is_answered_from_names_and_newest_commits(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(present, "FEW", 3)
    monkeypatch.setattr(present, "RECENT", 1)
    ranking = tree.locator().locate(ISSUE)
    assert ranking.files[0].place.path == "shop/money.py"
    assert ranking.pending == (
        "all but the names of 2 files",
        "all but 1 commits (run `swe-sleep sleep`)",
    )
    again = tree.locator().locate(ISSUE)
    assert again.pending == ("all but 1 commits (run `swe-sleep sleep`)",), "it goes on"
    tree.sleep()
    assert tree.locator().locate(ISSUE).pending == ()


def test_few_missing_documents_are_made_and_kept(tree: Tree) -> None:
    ranking = tree.locator().locate(ISSUE)
    assert ranking.pending == ()
    assert Documents(tree.store, tree.repository.snapshot()).missing() == []
    same(tree.locator(), tree.afresh())


def test_no_commit_at_all(make_repository: Callable[..., Path], git: Callable[..., str]) -> None:
    root = make_repository()
    bare = Tree(root, git)
    bare.write(FILES)
    assert bare.locator().locate(ISSUE).files[0].place.path == "shop/money.py"
    bare.store.close()
    bare.repository.close()


def test_a_layout_is_worn_when_paths_come_and_go_or_much_has_changed() -> None:
    blobs = {f"{n}.py": "a" for n in range(200)}
    rows = kept.Rows(1, blobs)
    assert not kept.is_worn(rows, blobs)
    few = dict.fromkeys(list(blobs)[: kept.MOST_CHANGED], "b")
    assert not kept.is_worn(rows, {**blobs, **few})
    assert kept.is_worn(rows, {**blobs, **few, "199.py": "b"})
    assert kept.is_worn(rows, {**blobs, "new.py": "a"})
    assert kept.is_worn(rows, dict.fromkeys(list(blobs)[1:], "a"))
