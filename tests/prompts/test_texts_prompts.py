"""The prompts of `eval texts`, word for word, as they are filled in: what is measured hangs on
them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import render

FENCE = Fence("data-0123456789ab")
GIVEN = FENCE.around("Ada has 3 pens.")
EVERY: list[tuple[str, str, Mapping[str, object]]] = [
    ("texts_sleep_system", "", {"most_chars": 5000}),
    ("texts_foresee_system", "", {"most": 5}),
    ("texts_answer_system", "", {"how": "Answer at once."}),
    ("texts_free", "", {}),
    *((f"texts_level_{level}", "", {}) for level in range(5)),
    ("texts_context", "text", {"tag": FENCE.tag, "text": GIVEN, "memory": ""}),
    ("texts_context", "memory", {"tag": FENCE.tag, "text": "", "memory": GIVEN}),
    ("texts_context", "both", {"tag": FENCE.tag, "text": GIVEN, "memory": GIVEN}),
    ("texts_context", "neither", {"tag": FENCE.tag, "text": "", "memory": ""}),
    ("texts_question", "number", {"question": "How many?", "whole": False}),
    ("texts_question", "aime", {"question": "How many?", "whole": True}),
]


@pytest.mark.parametrize(
    ("name", "case", "values"), EVERY, ids=[f"{name} {case}".strip() for name, case, _ in EVERY]
)
def test_a_prompt_is_as_it_was(name: str, case: str, values: Mapping[str, object]) -> None:
    golden = Path(__file__).with_name("texts") / f"{f'{name} {case}'.strip()}.txt"
    assert render(name, **values) == golden.read_text(encoding="utf-8").rstrip("\n")


def test_every_prompt_is_pinned() -> None:
    folder = Path(render.__code__.co_filename).parent
    assert {path.stem for path in folder.glob("texts_*.j2")} == {name for name, _, _ in EVERY}


def test_the_levels_are_five_different_ones() -> None:
    assert len({render(f"texts_level_{level}") for level in range(5)}) == 5


@pytest.mark.parametrize("name", ["texts_sleep_system", "texts_foresee_system"])
def test_a_system_prompt_tells_data_from_orders(name: str) -> None:
    assert "`<TAG>` and `</TAG>`" in render(name, most_chars=1, most=1)
