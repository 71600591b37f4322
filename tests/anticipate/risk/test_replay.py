"""The past played forward: whose each line is, whom a fix blames, and nothing of the future."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from swe_sleep.anticipate.risk import kept
from swe_sleep.anticipate.risk.items import Cut, is_product
from swe_sleep.anticipate.risk.mainline import Mainline, read
from swe_sleep.anticipate.risk.measure import Measured, measure
from swe_sleep.anticipate.risk.replay import FIXED, ORIGIN, TOUCHED, YEAR, Replay
from swe_sleep.anticipate.risk.windows import windows
from swe_sleep.index.outline import outline
from swe_sleep.repo.plumbing import Git


def line_of(root: Path) -> Mainline:
    git = Git(root / ".git", root)
    head = git.run("rev-parse", "HEAD").decode().strip()
    return read(git, head, ["py"], limit=1000)


def tree_at(root: Path) -> Callable[[str], Mapping[str, str]]:
    def tree(commit: str) -> Mapping[str, str]:
        listed = Git(root / ".git", root).run("ls-tree", "-r", commit).decode().splitlines()
        found = {line.split("\t")[1]: line.split()[2] for line in listed}
        return {path: blob for path, blob in found.items() if path.endswith(".py")}

    return tree


def measured(root: Path) -> Callable[[str, str], Measured]:
    def of(path: str, blob: str) -> Measured:
        content = Git(root / ".git", root).run("cat-file", "blob", blob)
        return measure(content, outline(content, "python"))

    return of


def played(root: Path, until: float = float("inf")) -> Replay:
    replay = Replay(line_of(root), is_product)
    replay.play(until)
    return replay


ONE = "def one():\n    a = 1\n    b = 2\n    return a + b\n"
TWO = "\n\ndef two():\n    return 2\n"


def test_lines_are_followed(write_history: Callable[..., Path]) -> None:
    root = write_history(
        [
            (100, "ann", "Begin", {"m.py": ONE}),
            (200, "bob", "Two", {"m.py": ONE + TWO}),
            (300, "bob", "Above", {"m.py": "import os\n\n" + ONE + TWO}),
            (400, "eve", "Fix wrong b", {"m.py": "import os\n\n" + ONE.replace("2", "3") + TWO}),
            (
                500,
                "eve",
                "Move",
                {"m.py": None, "n.py": "import os\n\n" + ONE.replace("2", "3") + TWO},
            ),
        ]
    )
    replay = played(root)
    rows = replay.rows("n.py", 10)
    assert list(replay.files) == ["n.py"]
    assert replay.files["n.py"].rows.shape[1] == 10
    assert rows[ORIGIN].astype(int).tolist() == [2, 2, 0, 0, 3, 0, 1, 1, 1, 1]
    assert [(each.fix, each.origin) for each in replay.blames] == [(3, 0)]
    assert rows[FIXED].sum() == 1
    assert rows[TOUCHED, 4] > 1


def test_a_change_of_looks_moves_no_blame(write_history: Callable[..., Path]) -> None:
    root = write_history(
        [
            (100, "ann", "Begin", {"m.py": "def f(x):\n    return g('a', x)\n"}),
            (200, "bob", "Format", {"m.py": 'def f(x):\n    return g(\n        "a", x\n    )\n'}),
            (300, "eve", "Fix wrong g", {"m.py": "def f(x):\n    return h(x)\n"}),
        ]
    )
    replay = played(root)
    assert [(each.fix, each.origin) for each in replay.blames] == [(2, 0)]
    assert replay.changes[1] is None


def test_a_mass_fix_blames_nobody(write_history: Callable[..., Path]) -> None:
    many = {f"m{n}.py": "x = 1\n" for n in range(6)}
    root = write_history(
        [
            (100, "ann", "Begin", many),
            (200, "bob", "Fix crash everywhere", dict.fromkeys(many, "x = 2\n")),
        ]
    )
    replay = played(root)
    assert (replay.fixing, replay.blames) == ([False, False], [])


def test_a_window_knows_what_the_fixes_touched(
    write_history: Callable[..., Path], living: list[Any]
) -> None:
    root = write_history(living)
    replay = Replay(line_of(root), is_product)
    cuts = [living[0][0] + n * YEAR + 1 for n in (1, 2)]
    for window in windows(replay, cuts, tree_at(root), measured(root)):
        hit = [
            item for item, came in zip(window.files.items, window.file_truth, strict=True) if came
        ]
        assert hit == [("app/hot.py", "")]
        functions = zip(window.functions.items, window.function_truth, strict=True)
        assert [item for item, came in functions if came] == [("app/hot.py", "sore")]
        assert len(window.fixes) == 12


def test_nothing_of_the_future_is_seen(
    write_history: Callable[..., Path], living: list[Any]
) -> None:
    """What stands at a cut is the same where the rest of the history was never written."""
    cut = living[0][0] + 2 * YEAR
    whole = write_history(living, "whole")
    short = write_history([each for each in living if each[0] < cut], "short")
    tables = []
    for root in (whole, short):
        replay = played(root, cut)
        at = Cut(replay, tree_at(root)(replay.steps[replay.done - 1].id), measured(root))
        tables.append((at.files(), at.functions(), replay.changes[: replay.done]))
    for one, other in zip(tables[0][:2], tables[1][:2], strict=True):
        assert one.items == other.items
        np.testing.assert_allclose(one.values, other.values, atol=1e-6)
    assert tables[0][2] == tables[1][2]


def test_a_kept_replay_goes_on_as_if_it_had_never_stopped(
    write_history: Callable[..., Path], living: list[Any]
) -> None:
    root = write_history(living)
    line = line_of(root)
    first = Replay(Mainline(line.steps[:30]), is_product)
    first.play(float("inf"))
    state = kept.encode(Mainline(line.steps[:30]), first)
    resumed, whole = Replay(line, is_product), played(root)
    assert kept.resume(state, resumed)
    assert resumed.done == 30
    resumed.play(float("inf"))
    tree = tree_at(root)(line.head)
    for one, other in (
        (Cut(resumed, tree, measured(root)).files(), Cut(whole, tree, measured(root)).files()),
        (
            Cut(resumed, tree, measured(root)).functions(),
            Cut(whole, tree, measured(root)).functions(),
        ),
    ):
        np.testing.assert_allclose(one.values, other.values, atol=1e-4)
    assert resumed.changes[-10:] == whole.changes[-10:]
    younger = Replay(Mainline(line.steps[1:]), is_product)
    assert not kept.resume(state, younger)
    assert not kept.resume(b"broken", younger)
