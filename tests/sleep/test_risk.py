"""The risk pass: one note a HEAD, quick where little is new, honest where nothing is learned."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import RiskData
from swe_sleep.sleep.passes.risk import RiskPass, risky

ONLY = [RiskPass()]
MONTH_S = 2_629_800
BEGIN = 1_500_000_000


def commit_at(project: Any, time: int, subject: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "GIT_COMMITTER_DATE", f"{time} +0000")
        patch.setitem(os.environ, "GIT_AUTHOR_DATE", f"{time} +0000")
        project.commit(subject)


@pytest.fixture
def old_shop(make_project: Callable[..., Any]) -> Any:
    """Two years and a half of a shop in which a small file is mended every other month."""
    project = make_project({})
    files = {}
    for n in range(8):
        body = "".join(f"    step{k} = value + {k}\n" for k in range(10 + n))
        files[f"shop/calm{n}.py"] = f"def calm{n}(value):\n{body}    return value\n"
    stream = ""
    for n in range(16):
        files["shop/sore.py"] = f"def sore(value):\n    return value + {n}\n"
        said = f"Fix wrong value {n}" if n else "Begin"
        stream += "commit refs/heads/main\n"
        stream += f"committer ann <ann@example.org> {BEGIN + 2 * n * MONTH_S} +0000\n"
        stream += f"data {len(said)}\n{said}\n"
        for path, text in files.items():
            stream += f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"
        files.clear()
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=project.root, input=stream.encode(), check=True
    )
    project.git("reset", "-q", "--hard")
    return project


def data_of(project: Any) -> RiskData:
    seen = project.view.get(kinds.RISK)
    assert seen is not None and seen.fresh
    found: RiskData = seen.data(RiskData)
    return found


def test_it_tells_what_was_mended_before(old_shop: Any) -> None:
    assert old_shop.sleep(ONLY).problems == []
    data = data_of(old_shop)
    assert (data.file_measure, data.function_measure) == ("model", "model")
    assert data.files[0].path == "shop/sore.py"
    assert any("fixes" in why for why in data.files[0].why)
    assert risky(old_shop.view)[0][:2] == ("shop/sore.py", "sore")
    assert data.accuracy["files auc"] > data.accuracy["files auc by size"]
    assert data.changes[0].title == "Begin"  # nothing was larger
    assert data.changes[0].above == 1.0
    body = old_shop.view.get(kinds.RISK).note.body
    assert "Measured on the last" in body
    assert "(by size " in body


def test_edits_ask_nothing_and_commits_only_for_themselves(
    old_shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swe_sleep.anticipate.risk.replay import Replay

    played: list[int] = []
    play = Replay.play_one

    def counted(replay: Replay) -> None:
        played.append(replay.done)
        play(replay)

    monkeypatch.setattr(Replay, "play_one", counted)
    assert old_shop.sleep(ONLY).units == {"risk": 1}
    assert played == list(range(16))
    played.clear()
    old_shop.write("shop/calm1.py", "def calm1(value):\n    return value\n")
    assert old_shop.sleep(ONLY).units == {}
    assert data_of(old_shop).files
    commit_at(old_shop, BEGIN + 31 * MONTH_S, "Less")
    assert not old_shop.view.get(kinds.RISK).fresh
    assert risky(old_shop.view)  # the older note serves until there is a new one
    assert old_shop.sleep(ONLY).units == {"risk": 1}
    assert played == [16]
    assert data_of(old_shop).steps == 17


def test_without_a_past_it_says_so_and_goes_by_size(shop: Any) -> None:
    assert shop.sleep(ONLY).units == {"risk": 1}
    data = data_of(shop)
    assert (data.file_measure, data.windows, dict(data.accuracy)) == ("size", 0, {})
    assert {each.path for each in data.files} == {"shop/money.py", "shop/basket.py"}
    assert "too few fixes" in shop.view.get(kinds.RISK).note.body


def test_a_rebase_is_read_right(old_shop: Any) -> None:
    old_shop.sleep(ONLY)
    old_shop.git("reset", "-q", "--hard", "HEAD~3")
    old_shop.write("shop/calm2.py", "def calm2(value):\n    return value\n")
    commit_at(old_shop, BEGIN + 40 * MONTH_S, "Another way")
    assert old_shop.sleep(ONLY).problems == []
    assert data_of(old_shop).steps == 14


def test_hostile_names_and_messages_are_only_text(make_project: Callable[..., Any]) -> None:
    project = make_project({"a\tb.py": "x = 1\n", 'q"uote.py': "y = 1\n", "ok.py": "z = 1\n"})
    project.write("ok.py", "z = 2\n")
    project.commit("@@ -1,99 +1,99 @@ Fix crash\n\n\x01abc\ndiff --git a b\n")
    assert project.sleep(ONLY).problems == []
    assert "ok.py" in {each.path for each in data_of(project).files}


def test_switched_off_it_does_nothing(shop: Any) -> None:
    shop.flags["sleep.history_commits"] = 0
    assert shop.sleep(ONLY).units == {}
