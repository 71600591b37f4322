"""Tasks that are judged by the files they modify: chosen, scored, and foretold without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.evaluate.features import (
    Cut,
    is_counted,
    modified_files,
    older,
    predicted_files,
    score,
)
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks import features
from swe_sleep.evaluate.tasks.changes import Change, Window
from swe_sleep.evaluate.tasks.features import Chosen, Older, Wanted
from swe_sleep.evaluate.tasks.kept import read_rows
from swe_sleep.evaluate.tasks.swebench import read_instances
from swe_sleep.evaluate.tasks.task import Related
from swe_sleep.records import Place
from swe_sleep.repo.repository import Repository

Git = Callable[..., str]

FILES = {f"shop/{name}.py": f"def {name}():\n    return 1\n" for name in ("basket", "tax", "till")}
TEXT = """\
Add vouchers to the till (#9)

A customer can hand in a voucher when the basket is paid. Its value is taken off before the tax is
added, and what is left of it stays on the voucher for the next time.

Co-authored-by: B <b@example.org>
"""

PATCH = """\
diff --git a/shop/basket.py b/shop/basket.py
--- a/shop/basket.py
+++ b/shop/basket.py
@@ -1 +1 @@
-a
+b
diff --git a/shop/new.py b/shop/new.py
new file mode 100644
--- /dev/null
+++ b/shop/new.py
@@ -0,0 +1 @@
+a
diff --git a/shop/gone.py b/shop/gone.py
deleted file mode 100644
--- a/shop/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-a
diff --git a/tests/test_basket.py b/tests/test_basket.py
--- a/tests/test_basket.py
+++ b/tests/test_basket.py
@@ -1 +1 @@
-a
+b
diff --git a/shop/old.py b/shop/moved.py
similarity index 90%
rename from shop/old.py
rename to shop/moved.py
"""


def test_of_a_patch_the_modified_files_count() -> None:
    assert modified_files(PATCH) == ("shop/basket.py", "tests/test_basket.py", "shop/old.py")
    assert modified_files("") == ()
    # Two touched, one of three right; the test is passed over.
    found = score(PATCH, ["shop/basket.py", "shop/tax.py", "shop/till.py"])
    assert found == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert score(PATCH, ["shop/basket.py", "shop/old.py"]) == (1.0, 1.0, 1.0)
    # A test that is right by the answer counts.
    assert score(PATCH, ["shop/basket.py", "tests/test_basket.py"]).precision == pytest.approx(
        2 / 3
    )
    assert score(PATCH, ["shop/tax.py"]) == (0.0, 0.0, 0.0)
    assert score([], ["shop/tax.py"]).f1 == score("", []).f1 == 0.0
    precision, recall, f1 = score(["shop/tax.py", "shop/tax.py"], ["shop/tax.py"])
    assert precision == recall == f1 == 1.0
    with pytest.raises(RepositoryError):
        score("--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n-a\n+b", ["a.py"])


def test_what_counts() -> None:
    counted = ("shop/a.py", "web/src/b.tsx", "c.rs", "d.h", "setup.cfg.go")
    assert all(map(is_counted, counted))
    others = ("tests/a.py", "web/b.test.ts", "src/__tests__/c.js", "docs/conf.py", "README.md",
              "shop/test_a.py", "examples/a.py", "news/1.bugfix", "a.json")  # fmt: skip
    assert not any(map(is_counted, others))


@dataclass(frozen=True)
class Found:
    place: Place
    score: float


@dataclass(frozen=True)
class Ranking:
    files: tuple[Found, ...]


def ranking(**scores: float) -> Ranking:
    return Ranking(tuple(Found(Place(f"{n}.py"), score) for n, score in scores.items()))


def test_a_ranking_is_cut() -> None:
    found = ranking(a=0.6, b=0.2, test_c=0.15, d=0.1, e=0.01)
    assert predicted_files(found, cut=Cut(0.3, 1, 5)) == ("a.py", "b.py")
    assert predicted_files(found, cut=Cut(0.01, 1, 2)) == ("a.py", "b.py")
    assert predicted_files(found, cut=Cut(0.9, 3, 5)) == ("a.py", "b.py", "d.py")
    assert predicted_files(ranking()) == ()
    assert predicted_files(found)[0] == "a.py"


@pytest.fixture
def grow(tmp_path: Path, git: Git) -> Callable[..., str]:
    """Adds a commit to the repository `acme/shop`, which its first one makes."""
    root = tmp_path / "mirrors" / "acme" / "shop"

    def commit(message: str, files: dict[str, str]) -> str:
        if not root.exists():
            root.mkdir(parents=True)
            git(root, "init", "-q", "-b", "main")
        for path, content in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", message)
        return git(root, "rev-parse", "HEAD")

    return commit


@pytest.fixture
def chosen(tmp_path: Path) -> Callable[..., Chosen]:
    def run(wanted: Wanted | None = None, *, stopped: bool = False) -> Chosen:
        root, out = tmp_path / "mirrors" / "acme" / "shop", tmp_path / "features.jsonl"
        given = wanted or Wanted()
        return features.choose(root, "acme/shop", out, given, stop=lambda: stopped)

    return run


def changed(more: str) -> dict[str, str]:
    return {path: content + more for path, content in FILES.items()}


def test_stopped_it_keeps_what_an_earlier_run_wrote(
    grow: Callable[..., str], chosen: Callable[..., Chosen], tmp_path: Path
) -> None:
    grow("Open the shop", FILES)
    grow(TEXT, changed("\n\ndef voucher():\n    return 2\n"))
    chosen()
    before = (tmp_path / "features.jsonl").read_bytes()
    assert chosen(stopped=True).stopped
    assert before and (tmp_path / "features.jsonl").read_bytes() == before


def test_a_feature_of_three_files_becomes_a_task(
    grow: Callable[..., str], chosen: Callable[..., Chosen], tmp_path: Path
) -> None:
    base = grow("Open the shop", FILES)
    feature = grow(
        TEXT, {**changed("# voucher\n"), "shop/voucher.py": "a = 1\n", "tests/test_x.py": "\n"}
    )
    grow("Add a line to all", changed("# a line\n# and another\n"))
    grow(TEXT.replace("Add", "Refactor: add"), changed("# vouchers\n# more\n# and more\n"))
    grow("Add one file more\n\n" + TEXT, {"shop/basket.py": "b = 1\n"})
    found = chosen()
    assert found.looked_at == len(found.tasks) + sum(found.left_out.values()) == 4
    assert found.left_out == {features.UNCLEAR: 1, features.NOT_NEW: 1, features.FEW_FILES: 1}
    (row,) = read_rows(tmp_path / "features.jsonl")
    assert (row["base_commit"], row["fix_commit"]) == (base, feature)
    assert row["problem_statement"].startswith("Add vouchers to the till\n\nA customer can hand")
    assert "Co-authored" not in row["problem_statement"]
    suite = read_instances(str(tmp_path / "features.jsonl"), Mirrors(tmp_path / "mirrors"))
    (case,) = suite.cases
    assert case.task.score == "files"
    assert case.answer.files == tuple(FILES)
    assert score(case.answer.patch, case.answer.files).f1 == 1.0


def test_a_merge_counts_as_a_whole_and_size_has_its_bounds(
    grow: Callable[..., str], chosen: Callable[..., Chosen], tmp_path: Path, git: Git
) -> None:
    root = tmp_path / "mirrors" / "acme" / "shop"
    grow("Open the shop", FILES)
    git(root, "switch", "-qc", "vouchers")
    for path, content in changed("# voucher\n").items():
        grow(f"wip on {path}", {path: content})
    git(root, "switch", "-q", "main")
    body = TEXT.replace(" (#9)", "")
    git(
        root,
        "merge",
        "-q",
        "--no-ff",
        "vouchers",
        "-m",
        f"Merge pull request #9 from a/b\n\n{body}",
    )
    merge = git(root, "rev-parse", "HEAD")
    assert [row["fix_commit"] for row in chosen().tasks] == [merge]
    assert chosen(Wanted(most_files=2)).left_out == {features.TOO_LARGE: 1}
    assert chosen(Wanted(most_lines=2)).left_out == {features.TOO_LARGE: 1}
    assert chosen(Wanted(least_files=4)).left_out == {features.FEW_FILES: 1}
    assert chosen(Wanted(window=Window(until="2000-01-01"))).looked_at == 0


def test_what_is_related_is_older_whatever_the_clocks_say(
    grow: Callable[..., str],
    chosen: Callable[..., Chosen],
    tmp_path: Path,
    git: Git,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "mirrors" / "acme" / "shop"

    def at(time: int) -> None:
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{time} +0000")

    at(1_600_000_000)
    grow("Open the shop", FILES)
    about = grow("Print the voucher of a customer at the till", {"shop/print.py": "a = 1\n"})
    at(1_900_000_000)  # a clock that is far ahead
    ahead = grow("Voucher numbers for each customer", {"shop/numbers.py": "a = 1\n"})
    at(1_700_000_000)
    feature = grow(TEXT, changed("# voucher\n# and more\n# of it\n"))
    at(1_500_000_000)  # and one that is far behind
    grow(TEXT.replace("Add", "Fix"), {"shop/tax.py": "a = 1\n"})
    grow("A voucher when the basket is paid: taken off the tax", {"shop/till.py": "a = 1\n"})
    (row,) = chosen().tasks
    assert row["fix_commit"] == feature
    named = {each["commit"] for each in row["related"]}
    assert named == {about, ahead}
    ancestors = git(root, "rev-list", row["base_commit"]).split()
    assert named <= set(ancestors)
    (case,) = read_instances(str(tmp_path / "features.jsonl"), Mirrors(tmp_path / "mirrors")).cases
    assert {each.commit for each in case.task.related} == named
    made_up = [Related(feature, "the answer"), Related("0" * 40, "nowhere"), *case.task.related]
    with Repository.at_commit(root, case.task.base_commit, tmp_path / "at") as repository:
        assert older(repository, made_up) == case.task.related


def test_what_comes_later_decides_nothing_of_what_is_related() -> None:
    then = [
        Change("d", "c", 4, "Add vouchers for a basket", "", ()),
        Change("c", "b", 3, "Print vouchers", "", ()),
        Change("b", "a", 2, "Weigh a basket", "", ()),
        Change("a", "", 1, "Open the shop", "", ()),
    ]
    later = [Change(str(n), "", 9, "Vouchers", "", ()) for n in range(50)]
    before = [each.commit for each in Older(then).related("vouchers of a basket", 0)]
    assert before == ["c", "b"]
    assert [c.commit for c in Older([*later, *then]).related("vouchers of a basket", 50)] == before


def test_what_is_related_does_not_depend_on_the_answer() -> None:
    line = [
        Change("c", "b", 3, "Add vouchers", "", ()),
        Change("b", "a", 2, "Print vouchers", "", ()),
        Change("a", "", 1, "Open the shop", "", ()),
    ]
    before = Older(line)
    # Nothing of the task but its text and its place is asked for.
    assert [each.commit for each in before.related("vouchers", 0)] == ["b"]
    assert [each.commit for each in before.related("the shop of vouchers", 1)] == ["a"]
    assert before.related("vouchers", 2) == []
