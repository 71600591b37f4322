"""Variants of tests, and what is written of them."""

from __future__ import annotations

import ast

from swe_sleep.anticipate.inside.mutants import edited, find, kind_of, neighbours, variants

SOURCE = b'''
class TestBox:
    def test_put(self):
        """A docstring."""
        box = Box("k\xc3\xa9y", size=2)
        box.put("a", [1, 2])
        assert box.get("a") == [1, 2]
        assert box.size == 2, "size"
        with pytest.raises(KeyError, match="zzz"):
            box.get("b")
'''


def made(hints: list[list[object]] | None = None) -> list[dict[str, object]]:
    function = find(ast.parse(SOURCE), ["TestBox", "test_put"])
    return list(variants(function, {"n": "5"}, hints or []))


def texts() -> set[str]:
    return {edited(SOURCE, mutant["edits"]).decode() for mutant in made()}


def test_each_variant_is_python_and_another() -> None:
    found = texts() - {SOURCE.decode()}
    assert len(found) > 40
    for text in found:
        ast.parse(text)


def test_what_goes_in_and_is_expected_out_is_changed_in_both_places() -> None:
    found = texts()
    assert any('put("a", [1, 2, None])' in t and "== [1, 2, None]" in t for t in found)
    assert any('put("a", [1, 2, None])' in t and "== [1, 2]\n" in t for t in found)
    assert any("Box('k\u00e9y ', size=2)" in t for t in found)


def test_what_is_only_expected_is_left_as_it_is() -> None:
    for text in texts():
        assert '"size"' in text and 'match="zzz"' in text and '"""A docstring."""' in text


def test_values_that_the_change_names_come_first() -> None:
    found = made([["'|'", True], ["None", True], ["7", False]])
    assert "'|'" in [mutant["text"] for mutant in found[:6]]
    assert {"n": "7"} in [mutant["params"] for mutant in found]
    other = next(m for m in found if m["text"] == "None" and m["was"] == repr("k\u00e9y"))
    assert (other["same"], other["guard"]) == (False, True)


def test_neighbours_are_of_the_same_kind_and_differ() -> None:
    for value in ("ab", 3, 2.5, True, b"x", [1], (1, 2), {"a": 1}):
        found = list(neighbours(value))
        assert found and repr(value) not in found
        assert {kind_of(text) for text in found} == {type(value).__name__}
