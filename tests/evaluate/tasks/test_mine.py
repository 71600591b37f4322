"""Tasks out of real histories, with real runs of tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from swe_sleep.cli import mining
from swe_sleep.errors import EnvironmentFailed, NotARepository, UsageError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks import kept, mine, running, statement
from swe_sleep.evaluate.tasks.changes import Change, Window, changes
from swe_sleep.evaluate.tasks.kept import read_rows, read_statements
from swe_sleep.evaluate.tasks.mine import Mined, Planned, Queue, Wanted
from swe_sleep.evaluate.tasks.places import source_of
from swe_sleep.evaluate.tasks.running import Candidate, Verdict
from swe_sleep.evaluate.tasks.split import Parts, defined, is_code, is_of_tests, used
from swe_sleep.evaluate.tasks.statement import Secrets, cleaned, closed_issues, told
from swe_sleep.evaluate.tasks.swebench import read_instances
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Environment, Progress

Git = Callable[..., str]
BEGUN = 1_699_956_000
"""2023-11-14, 10:00 UTC; every commit is a minute after the one before, all on one day, so that
they have one environment."""

PRICES = '''\
def total(prices):
    """The sum of prices."""
    return sum(abs(price) for price in prices)


def mean(prices):
    return total(prices) / len(prices)
'''
TESTS = """\
from shop.prices import mean, total


def test_total():
    assert total([1, 2]) == 3


def test_mean():
    assert mean([1, 3]) == 2
"""
NEGATIVE = "\n\ndef test_negative():\n    assert total([-1, 2]) == 1\n"
NOTHING = "\n\ndef test_nothing():\n    assert mean([]) == 0\n"
SUMMED = PRICES.replace("sum(abs(price) for price in prices)", "sum(prices)")
GUARDED = SUMMED.replace(
    "    return total(prices) / len",
    "    if not prices:\n        return 0\n    return total(prices) / len",
)
MESSAGE = """\
fix(prices): total is wrong for refunds (#7)

A refund of 1 and a price of 2 came out as 3, while the total is 1.
Now `sum(prices)` is used. See shop/prices.py for more.

Fixes #5

Signed-off-by: A. Tester <tester@example.org>
"""


class Story:
    """A history that is being written, each commit a minute after the one before."""

    def __init__(self, root: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._git, self._monkeypatch = root, git, monkeypatch
        self._minutes = 0
        root.mkdir(parents=True)
        git(root, "init", "-q", "-b", "main")

    def __call__(self, message: str, files: dict[str, str] | None = None) -> str:
        for path, content in (files or {}).items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self._git(self.root, "add", "-A")
        return self.run("commit", "-q", "--allow-empty", "-m", message)

    def run(self, *arguments: str) -> str:
        self._minutes += 1
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            self._monkeypatch.setenv(name, f"{BEGUN + self._minutes * 60} +0000")
        self._git(self.root, *arguments)
        return self._git(self.root, "rev-parse", "HEAD")


@pytest.fixture
def story(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Story:
    """A shop's history, with its first commit made."""
    made = Story(tmp_path / "mirrors" / "acme" / "shop", git, monkeypatch)
    made(
        "Open the shop",
        {"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS},
    )
    return made


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def mined(story: Story, tmp_path: Path, environments: Path) -> Callable[..., Mined]:
    """Mines the story into `tasks.jsonl`."""

    def run(wanted: Wanted | None = None, **more: Any) -> Mined:
        file = tmp_path / "tasks.jsonl"
        wanted = wanted or Wanted()
        return mine.mine(story.root, "acme/shop", file, wanted, cache=environments, **more)

    return run


def test_a_fix_with_tests_becomes_a_task_and_the_rest_is_counted(
    story: Story, mined: Callable[..., Mined], tmp_path: Path
) -> None:
    base = story("Say who made it", {"README.md": "By us.\n"})
    fix = story(
        MESSAGE,
        {
            "shop/prices.py": SUMMED,
            "tests/test_prices.py": TESTS + NEGATIVE,
            "CHANGES.md": "- total of refunds\n",
        },
    )
    story("Fix mean of nothing, untested", {"shop/prices.py": GUARDED})
    story(
        "Add the largest price",
        {
            "shop/prices.py": GUARDED + "\n\ndef largest(prices):\n    return max(prices)\n",
            "tests/test_largest.py": "from shop.prices import largest\n\n\n"
            "def test_largest():\n    assert largest([1, 2]) == 2\n",
        },
    )
    found = mined()
    assert len(found.tasks) + sum(found.left_out.values()) == found.looked_at == 4
    assert found.left_out == {mine.NO_CODE: 1, mine.NO_TESTS: 1, mine.NO_FIX: 1}
    (row,) = read_rows(tmp_path / "tasks.jsonl")
    assert (row["base_commit"], row["fix_commit"]) == (base, fix)
    assert row["created_at"] == "2023-11-14T10:03:00Z"
    assert row["problem_statement"] == (
        "Total is wrong for refunds\n\n"
        "A refund of 1 and a price of 2 came out as 3, while the total is 1.\n"
    )
    assert row["statement_from"] == "message"
    assert json.loads(row["FAIL_TO_PASS"]) == ["tests/test_prices.py::test_negative"]
    assert json.loads(row["PASS_TO_PASS"]) == [
        "tests/test_prices.py::test_mean",
        "tests/test_prices.py::test_total",
    ]
    assert "tests/" not in row["patch"]
    assert "CHANGES.md" in row["patch"]
    assert "shop/" not in row["test_patch"]


def test_what_is_written_is_read_as_tasks_that_know_only_their_past(
    story: Story, mined: Callable[..., Mined], tmp_path: Path, git: Git
) -> None:
    fixes = [
        story(MESSAGE, {"shop/prices.py": SUMMED, "tests/test_prices.py": TESTS + NEGATIVE}),
        story(
            "Mean of nothing fails\n\nFixes #8",
            {"shop/prices.py": GUARDED, "tests/test_prices.py": TESTS + NEGATIVE + NOTHING},
        ),
    ]
    assert len(mined().tasks) == 2
    suite = read_instances(str(tmp_path / "tasks.jsonl"), Mirrors(tmp_path / "mirrors"))
    assert [case.task.day for case in suite.cases] == ["2023-11-01"] * 2
    assert [case.id for case in suite.cases] == [f"acme__shop-{fix[:10]}" for fix in fixes]
    for number, (case, fix) in enumerate(zip(suite.cases, fixes, strict=True)):
        with Repository.at_commit(
            case.task.sources[0], case.task.base_commit, tmp_path / f"at{number}"
        ) as repository:
            seen = [commit.id for commit in repository.commits()]
        assert fix not in seen
        assert seen[0] == git(story.root, "rev-parse", f"{fix}^")
        assert case.answer.fail_to_pass
        assert case.task.score == "tests"


def test_tests_that_come_out_differently_are_left_out(
    story: Story, mined: Callable[..., Mined]
) -> None:
    turns = textwrap.dedent(
        """\


        def turn():
            import pathlib
            file = pathlib.Path(__file__).with_name("turns")
            count = int(file.read_text()) + 1 if file.exists() else 1
            file.write_text(str(count))
            return count


        def test_turns():  # fails, passes, fails, passes
            assert turn() % 2 == 0
        """
    )
    story("Fix nothing that a test could show", {"shop/prices.py": PRICES + "\n# exact\n"})
    story(MESSAGE, {"shop/prices.py": SUMMED, "tests/test_prices.py": TESTS + NEGATIVE + turns})
    story(
        "Fix the mean of no prices at all",
        {"shop/prices.py": GUARDED, "tests/test_prices.py": TESTS + turns},
    )
    found = mined()
    assert [row["FAIL_TO_PASS"] for row in found.tasks] == [["tests/test_prices.py::test_negative"]]
    assert found.flaky == 1
    assert found.left_out[running.FLAKY] == 1


@pytest.mark.parametrize(
    ("reason", "message", "code", "tests"),
    [
        (running.NONE_FAILS, "Fix the sum of several prices", SUMMED, TESTS + "\n# more\n"),
        (
            running.FAILS_STILL,
            "Fix the sum of several prices",
            PRICES + "\n# done\n",
            TESTS + NEGATIVE,
        ),
        (running.NOT_READ, "Fix the sum of several prices", SUMMED, "import nowhere\n"),
        (mine.NO_STATEMENT, "Fix a sum", SUMMED, TESTS + NEGATIVE),
        (mine.NO_STATEMENT, "Fix total: return sum(prices) instead", SUMMED, TESTS + NEGATIVE),
        (
            mine.UNTOLD,
            "Fix the total of what is given back",
            SUMMED + "\n\ndef refunds(prices):\n    return [p for p in prices if p < 0]\n",
            TESTS.replace("mean, total", "mean, refunds, total")
            + "\n\ndef test_refunds():\n    assert refunds([-1]) == [-1]\n",
        ),
        (mine.TOO_LARGE, MESSAGE, SUMMED + "\n" * 101, TESTS + NEGATIVE),
    ],
)
def test_every_reason_is_told(
    reason: str, message: str, code: str, tests: str, story: Story, mined: Callable[..., Mined]
) -> None:
    story(message, {"shop/prices.py": code, "tests/test_prices.py": tests})
    found = mined()
    assert (found.left_out, found.tasks, found.failures) == ({reason: 1}, [], [])


def test_a_merge_is_one_change_and_a_large_one_its_commits(
    story: Story, mined: Callable[..., Mined]
) -> None:
    base = story("Say more", {"README.md": "Prices.\n"})
    story.run("switch", "-qc", "refunds")
    story("wip", {"shop/prices.py": SUMMED})
    story("tests", {"tests/test_prices.py": TESTS + NEGATIVE})
    story.run("switch", "-q", "main")
    merge = story.run(
        *("merge", "-q", "--no-ff", "refunds", "-m"),
        "Merge pull request #12 from acme/refunds\n\nFix the total of prices with refunds",
    )
    story.run("switch", "-qc", "much")
    inner = story(
        "Fix the mean of no prices at all",
        {"shop/prices.py": GUARDED, "tests/test_prices.py": TESTS + NEGATIVE + NOTHING},
    )
    story("Add blanks", {"shop/blank.py": "\n" * 200})
    story.run("switch", "-q", "main")
    story.run("merge", "-q", "--no-ff", "much", "-m", "Merge branch 'much'")
    found = mined()
    assert [row["fix_commit"] for row in found.tasks] == [merge, inner]
    assert found.tasks[0]["base_commit"] == base
    assert found.tasks[0]["problem_statement"] == "Fix the total of prices with refunds\n"
    assert found.left_out[mine.APART] == 1


def test_a_run_that_is_killed_goes_on_and_repeats_nothing(
    story: Story, mined: Callable[..., Mined], tmp_path: Path, environments: Path
) -> None:
    story("Fix the sum of several prices", {"tests/test_prices.py": TESTS, "shop/prices.py": "x\n"})
    tests = TESTS
    for number in range(2):
        tests += f"\n\ndef test_of_{number}():\n    assert total([{-number - 1}]) < 0\n"
        code = SUMMED if number % 2 else PRICES + f"# {number}\n"
        story(f"Fix the total of {number} and less", {"shop/prices.py": PRICES})
        story(
            f"Fix the total of {number} in every case",
            {"tests/test_prices.py": tests, "shop/prices.py": code},
        )
    file = tmp_path / "tasks.jsonl"
    program = (
        "import sys; from pathlib import Path; from swe_sleep.evaluate.tasks.mine import *\n"
        "if __name__ == '__main__':\n"
        f"    mine(Path({str(story.root)!r}), 'acme/shop', Path({str(file)!r}), Wanted(),"
        f" cache=Path({str(environments)!r}))\n"
    )
    script = tmp_path / "run.py"
    script.write_text(program)
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    until = time.monotonic() + 120
    beside = tmp_path / "tasks.jsonl.tried"
    while not (beside.exists() and beside.read_bytes().strip()) and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with beside.open("ab") as broken:
        broken.write(b'{"key": "half')
    before = len(beside.read_bytes().splitlines())
    found = mined()
    assert found.remembered >= 1
    assert found.remembered + found.tried == len(found.tasks) + sum(
        number for reason, number in found.left_out.items() if reason in vars(running).values()
    )
    assert len(found.tasks) == 1
    again = mined()
    assert (again.tried, again.remembered) == (0, found.remembered + found.tried)
    assert again.tasks == found.tasks
    assert len(beside.read_bytes().splitlines()) > before
    assert [row["fix_commit"] for row in read_rows(file)] == [t["fix_commit"] for t in again.tasks]


def test_no_more_are_tried_than_are_wanted_and_others_stay_in_the_file(
    story: Story, mined: Callable[..., Mined], tmp_path: Path
) -> None:
    story(MESSAGE, {"shop/prices.py": SUMMED, "tests/test_prices.py": TESTS + NEGATIVE})
    last = story(
        "Mean of nothing fails\n\nFixes #8",
        {"shop/prices.py": GUARDED, "tests/test_prices.py": TESTS + NEGATIVE + NOTHING},
    )
    other = {"instance_id": "x__y-1", "repo": "x/y", "created_at": "2020-01-01T00:00:00Z"}
    (tmp_path / "tasks.jsonl").write_text(json.dumps(other) + "\n")
    found = mined(Wanted(most=1))
    assert (found.tried, [row["fix_commit"] for row in found.tasks]) == (1, [last])
    assert [row["repo"] for row in read_rows(tmp_path / "tasks.jsonl")] == ["x/y", "acme/shop"]
    assert mined(Wanted(window=Window(until="2023-11-13"))).looked_at == 0
    with kept.Kept.open(tmp_path / "tasks.jsonl", "acme/shop"), pytest.raises(UsageError):
        mined()


def test_texts_of_issues_may_be_given(
    story: Story, mined: Callable[..., Mined], tmp_path: Path
) -> None:
    story(
        "Sums (#9)\n\nCloses #5",
        {"shop/prices.py": SUMMED, "tests/test_prices.py": TESTS + NEGATIVE},
    )
    file = tmp_path / "issues.json"
    file.write_text('{"5": "Refunds are added instead of taken off.", "9": "Not this one."}')
    (row,) = mined(statements=read_statements(file)).tasks
    assert row["problem_statement"] == "Refunds are added instead of taken off."
    assert row["statement_from"] == "given"


@pytest.mark.parametrize(
    ("lacking", "days"),
    [("", ["2023-11-01"]), ("2023-11-01", ["2023-11-01", "2023-11-14"])],
)
def test_no_package_is_younger_than_the_commit(
    lacking: str,
    days: list[str],
    story: Story,
    environments: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The changes of a month share what they need; one that needs what came since does not."""
    fix = story(MESSAGE, {"shop/prices.py": SUMMED, "tests/test_prices.py": TESTS + NEGATIVE})
    asked: list[str] = []

    class Backend(LocalBackend):
        def prepare(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
            if asked[-1] == lacking:
                raise EnvironmentFailed("there is no such package yet")
            return super().prepare(snapshot, progress=progress)

    def choose(setting: str, *, options: EnvironmentOptions) -> LocalBackend:
        asked.append(options.until)
        return Backend(options)

    monkeypatch.setattr(running, "choose", choose)
    with Repository.open(story.root) as repository:
        base = repository.snapshot_of(f"{fix}^")
        change = next(changes(repository.git, Window(most=1)))
        parts = Parts.of(change, base, repository.snapshot_of(fix))
    assert parts is not None
    candidate = running.candidate_of(
        parts,
        story.root,
        base,
        change.day,
        backend="local",
        cache=environments,
    )
    verdict = running.run(candidate, lambda line: None)
    assert verdict.fail_to_pass == ("tests/test_prices.py::test_negative",)
    assert asked == days
    assert verdict.day == days[-1]


def test_what_has_no_environment_is_given_up_for_its_neighbours(tmp_path: Path) -> None:
    """They are told apart by what they need, and one that has an environment ends a row."""
    story = "aa aa bb aa aa bb cc"  # newest first; of bb the first has an environment
    planned = [
        Planned(
            Change(str(number), "", 0, "", "", ()),
            "",
            "title",
            Candidate(f"{number}", tmp_path, "", "2023-11-14", "", "", (), needs, "local"),
            (),
        )
        for number, needs in enumerate(story.split())
    ]
    mined = Mined()
    with kept.Kept.open(tmp_path / "tasks.jsonl", "a/b") as file:
        queue = Queue(iter(planned), file, None, mined)
        tried = []
        while (candidate := queue.take(None)) is not None:
            tried.append(candidate.key)
            has = candidate.key in ("2", "6")
            queue.judge(Verdict(candidate.key, "" if has else running.NO_ENVIRONMENT))
    assert tried == ["0", "1", "2", "5", "6"]
    assert mined.left_out == {running.NO_ENVIRONMENT: 3, mine.AS_OTHERS: 2}
    assert queue.line() == "tasks: 2, in 0 changes"


def test_what_changes_need(story: Story) -> None:
    story("Need a package", {"requirements.txt": "attrs\n"})
    story("Mend something", {"shop/prices.py": SUMMED})
    story("Need a newer one", {"requirements.txt": "attrs>=22\n"})
    with Repository.open(story.root) as repository:
        needs = [running.needs_of(repository.snapshot_of(f"HEAD~{back}")) for back in range(4)]
    assert needs[1] == needs[2]
    assert len(set(needs)) == 3


def test_the_commands(
    story: Story, tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(environments))
    fix = story(MESSAGE, {"shop/prices.py": SUMMED, "tests/test_prices.py": TESTS + NEGATIVE})
    app = typer.Typer()
    app.command()(mining.mine)
    app.command()(mining.features)
    out = tmp_path / "out.jsonl"
    where = ["acme/shop", "--repos", str(tmp_path / "mirrors"), "--out", str(out)]
    done = CliRunner().invoke(app, ["mine", *where, "--backend", "local", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["looked_at"], said["tasks"][0]["fix_commit"]) == (1, fix)
    done = CliRunner().invoke(app, ["mine", *where, "--backend", "local"])
    assert "acme/shop: 1 task of 1 change" in done.stdout
    done = CliRunner().invoke(app, ["features", *where])
    assert done.exit_code == 1
    assert "1  modifies too few files of code" in done.stdout
    done = CliRunner().invoke(app, ["mine", str(story.root), "--out", "tasks.txt"])
    assert isinstance(done.exception, UsageError)


def test_what_a_repository_is_called(story: Story, tmp_path: Path, git: Git) -> None:
    mirrors = tmp_path / "mirrors"
    assert source_of("acme/shop", mirrors) == (story.root / ".git", "acme/shop")
    assert source_of(str(story.root), None)[1] == "local/shop"
    assert source_of(str(story.root), None, "me/mine")[1] == "me/mine"
    git(story.root, "remote", "add", "origin", "git@example.org:some/where/acme/the-shop.git")
    assert source_of(str(story.root), None)[1] == "acme/the-shop"
    git(tmp_path, "clone", "-q", "--bare", str(story.root), "acme+shop/repo")
    git(tmp_path / "acme+shop" / "repo", "remote", "remove", "origin")
    assert source_of(str(tmp_path / "acme+shop" / "repo"), None)[1] == "acme/shop"
    with pytest.raises(NotARepository):
        source_of("no/such", None)
    with pytest.raises(UsageError, match="not below"):
        source_of("no/such", mirrors)


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("Fix crash on empty input (gh-12)", "", "Fix crash on empty input\n"),
        ("Fixed #123 -- crashed on empty input", "", "Crashed on empty input\n"),
        ("fix: `parse` loses a last comma", "Closes: #4, #5", "`parse` loses a last comma\n"),
        (
            "Fix parse of dates",
            (
                "The second\nof May is\nread as February 5.\n\n* add tests\n* update changelog\n"
                "Co-authored-by: B <b@example.org>\nfor more information, see https://pre-commit.ci"
            ),
            "Fix parse of dates\n\nThe second of May is read as February 5.\n",
        ),
        (
            "Fix parse of dates",
            (
                "It fails. This patch swaps both. Fixed by asking first.\n\n```diff\n-a\n+b\n```\n"
                "@@ -1,2 +3,4 @@\n\n    >>> parse('x')\n    return day, month"
            ),
            "Fix parse of dates\n\nIt fails.\n\n    >>> parse('x')\n",
        ),
        (
            "Fix parse of dates",
            (
                "- 2nd of May: it is\n  read as February.\n- It should be `-day` and\n"
                "  it is not: -day - month would do.\n\nNow\nthere is an error."
            ),
            (
                "Fix parse of dates\n\n- 2nd of May: it is read as February.\n\n"
                "Now there is an error.\n"
            ),
        ),
        ("Fix a bug", "`swap_them` was wrong. The file src/dates.py too. So were dates.", None),
    ],
)
def test_a_statement_is_what_was_wrong_and_not_what_was_done(
    title: str, body: str, expected: str | None
) -> None:
    secrets = Secrets.of(
        ["    return day, month", "x = -day - month"], ["src/dates.py"], ["swap_them"]
    )
    found = cleaned(title, body, secrets)
    assert found == (expected or "Fix a bug\n\nSo were dates.\n")
    assert (told(found) is None) == (expected is None)


def test_what_was_wrong_stays_and_the_code_that_was_does_not() -> None:
    """As real messages tell it, of boltons."""
    body = (
        "The largest value in len_ bits is one less, but the\nguard used 'val > 2 ** len_', so"
        " Bits(4, 2) was accepted.\nIt said 'no such value here'. Use '>=' so a value needing more"
        " bits raises,\nmatching the message.\n\n"
        "- Nothing checked for EOF: read() returns '' forever. Stop at EOF and\n  seek on.\n"
        "- It normalized a negative value with 1.0 - rel_seek, mapping -0.3 to 1.3.\n\n"
        "Replace the enumeration with an invariant: after each advance, a stationary\nresult raises"
        " ValueError.\nTreat it as a number."
    )
    removed = ["if val > 2 ** len_:", "x = 1.0 - rel_seek", "say('no such value here')"]
    found = cleaned("Fix the length check", body, Secrets.of((), (), (), removed))
    assert found == (
        "Fix the length check\n\nThe largest value in len_ bits is one less, but the guard used"
        " '...', so Bits(4, 2) was accepted. It said 'no such value here'. A value needing more"
        " bits raises, matching the message.\n\n"
        "- Nothing checked for EOF: read() returns '' forever.\n\n"
        "After each advance, a stationary result raises ValueError.\n"
    )


def test_how_much_a_statement_says() -> None:
    assert told("") is None
    assert told("Fix the parser bug\n") is None
    assert told("Fix crash in parser\n") is None
    assert told("Fix crash of parser on empty input\n") == "title"
    text = "It crashed with a KeyError where there was nothing to be read at all."
    assert told(f"Crash of parser\n\n{text}\n") == "message"


def test_which_issues_a_message_closes() -> None:
    text = "Fixes #12, #13 and closes https://example.org/a/b/issues/14; see #15. fixed gh-16"
    assert closed_issues(text) == ["12", "13", "14", "16"]
    assert statement.named_issues(text) == ["12", "13", "14", "16", "15"]


def test_files_of_texts(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(
        '{"issue": 5, "title": "Five", "body": "It is."}\n{"commit": "abcdef1", "text": "A"}\n'
    )
    assert read_statements(file) == {"5": "Five\n\nIt is.", "abcdef1": "A"}
    file.write_text('[{"number": 7, "text": "Seven"}]')
    assert read_statements(file) == {"7": "Seven"}
    for bad in ("{", '{"issue": 5}', "[1]", "5"):
        file.write_text(bad)
        with pytest.raises(UsageError):
            read_statements(file)


def test_what_is_code_and_what_is_of_tests() -> None:
    code = ("shop/prices.py", "setup.py", "src/shop/testing.py", "shop/attest.py")
    tests = ("tests/data/x.json", "test/a.py", "shop/tests/b.py", "conftest.py", "shop/test_c.py")
    assert all(is_code(path) and not is_of_tests(path) for path in code)
    assert all(is_of_tests(path) and not is_code(path) for path in tests)
    assert not is_code("docs/conf.py")
    assert not is_code("README.md")


def test_names_that_are_defined_and_used() -> None:
    code = (
        b"A = 1\nclass B(C):\n    d: int = 2\n    def e(self, f, *, g): self.h = i\ndef _j(k): pass"
    )
    assert defined(code) == {"A", "B", "d", "e", "self", "f", "g", "h", "_j"}
    assert used(b"from a.b import c\nd.e(f=g)\n'h'") == {"c", "d", "e", "f", "g"}
    assert defined(b"(") == used(None) == set()


@pytest.mark.parametrize("day", ["yesterday", "2024-13-45", "20240531"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(UsageError, match="is no day"):
        Window(since=day)
