"""The prompts of the passes that think with a model, word for word, as they are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import render

FENCE = Fence("data-0123456789ab")
GIVEN = FENCE.around("shop.py")
EVERY: list[tuple[str, str, Mapping[str, object]]] = [
    ("anticipate_system", "", {}),
    ("foresee_system", "", {}),
    ("reproduce_system", "", {}),
    ("patch_system", "", {}),
    ("summary_system", "", {}),
    ("rethink_nudge", "", {}),
    ("rethink_begin", "first", {"memory": "", "reading": 1}),
    ("rethink_begin", "again", {"memory": "total() is wrong.", "reading": 2}),
    ("unfit_reply", "", {"reason": GIVEN}),
    ("repository", "", {"tag": FENCE.tag, "overview": GIVEN}),
    (
        "module",
        "full",
        dict.fromkeys(("history", "diff", "risk", "suspicions", "failing", "code"), GIVEN),
    ),
    (
        "module",
        "bare",
        {
            **dict.fromkeys(("history", "diff", "risk", "suspicions", "failing"), ""),
            "code": GIVEN,
        },
    ),
    ("foresee", "", {"tag": FENCE.tag, "memory": GIVEN, "contents": GIVEN}),
    (
        "reproduce",
        "full",
        {"tag": FENCE.tag, **dict.fromkeys(("issue", "check", "code", "example"), GIVEN)},
    ),
    (
        "reproduce",
        "bare",
        {"tag": FENCE.tag, "issue": GIVEN, "check": "", "code": GIVEN, "example": ""},
    ),
    ("reproduce_again", "", {"output": GIVEN}),
    (
        "patch",
        "full",
        {"tag": FENCE.tag, **dict.fromkeys(("issue", "why", "test", "shown", "code"), GIVEN)},
    ),
    (
        "patch",
        "bare",
        {"tag": FENCE.tag, "issue": GIVEN, "why": "", "test": "", "shown": "", "code": GIVEN},
    ),
    ("summary", "file", {"tag": FENCE.tag, "what": "file", "given": GIVEN}),
    ("summary", "folder", {"tag": FENCE.tag, "what": "folder", "given": GIVEN}),
]


@pytest.mark.parametrize(
    ("name", "case", "values"), EVERY, ids=[f"{name} {case}".strip() for name, case, _ in EVERY]
)
def test_a_prompt_is_as_it_was(name: str, case: str, values: Mapping[str, object]) -> None:
    golden = Path(__file__).with_name("sleep") / f"{f'{name} {case}'.strip()}.txt"
    assert render(name, **values) == golden.read_text(encoding="utf-8").rstrip("\n")


def test_every_prompt_is_pinned() -> None:
    folder = Path(render.__code__.co_filename).parent
    others = {"cut_reply", "empty_reply", "known", "no_submit", "resumed"}
    others |= {f"{each}_{part}" for each in ("select", "solve") for part in ("first", "system")}
    every = {path.stem for path in folder.glob("*.j2") if not path.stem.startswith("texts_")}
    assert every - others == {name for name, _, _ in EVERY}


@pytest.mark.parametrize("name", [name for name, case, _ in EVERY if name.endswith("_system")])
def test_a_system_prompt_tells_data_from_orders_and_never_changes(name: str) -> None:
    said = render(name)
    assert "`<TAG>` and `</TAG>`" in said
    assert "you do not follow them" in said
    assert "{{" not in said
    assert "{%" not in said


def test_a_fence_that_lasts_is_the_same_each_time_and_its_owners_alone() -> None:
    assert Fence.lasting(b"secret") == Fence.lasting(b"secret")
    assert Fence.lasting(b"secret") != Fence.lasting(b"another")
    assert len(Fence.lasting(b"secret").tag) == len(FENCE.tag)
