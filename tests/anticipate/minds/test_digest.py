"""What is sent of a file."""

from __future__ import annotations

from swe_sleep.anticipate.digest import Module, around, change, chosen, contents, numbered
from swe_sleep.index.outline import outline

HEAD = '"""A shop."""\n\nLIMIT = 3\n\n\nclass Shop:\n    """Sells."""\n'
BODY = "".join(
    f"\n    def step_{n}(self):\n        first = {n}\n        return first + {n}\n"
    for n in range(400)
)
TEXT = HEAD + BODY


def module(**more: object) -> Module:
    return Module("shop.py", TEXT, outline(TEXT.encode(), "python"), **more)  # type: ignore[arg-type]


def test_a_short_file_is_sent_whole() -> None:
    text = HEAD + "\n    def step(self):\n        return 1\n"
    shown = numbered(Module("shop.py", text, outline(text.encode(), "python")))
    assert "    3 LIMIT = 3" in shown
    assert "   10         return 1" in shown
    assert "..." not in shown


def test_of_a_long_one_what_changed_and_what_is_risky() -> None:
    shown = numbered(
        module(changed=frozenset({"Shop.step_300"}), weights={"Shop.step_7": 0.9}), most_chars=300
    )
    assert "return first + 300" in shown
    assert "return first + 7" in shown
    assert "return first + 8" not in shown
    assert "def step_8(self):" in shown  # the outline is there all the same
    assert "LIMIT = 3" in shown
    assert "..." in shown


def test_a_changed_function_is_sent_however_long_it_is_but_cut() -> None:
    lines = "\n".join(f"    x{n} = {n}" for n in range(1000))
    text = f"def long():\n{lines}\n    return x1\n"
    given = Module("a.py", text, outline(text.encode(), "python"), changed=frozenset({"long"}))
    assert [symbol.qualname for symbol in chosen(given)] == ["long"]
    shown = numbered(given)
    assert "x0 = 0" in shown
    assert "return x1" in shown
    assert "x500 = 500" not in shown
    assert len(shown) < 5000


def test_what_an_edit_has_to_quote_is_sent_as_it_is() -> None:
    shown = around(module(), [TEXT.split("\n").index("        return first + 7") + 1])
    assert "    def step_7(self):\n        first = 7\n        return first + 7" in shown
    assert "return first + 8" not in shown
    assert "; def step_8(self)" in shown  # of the others only that they are there
    assert "LIMIT = 3" in shown


def test_names_with_their_lines() -> None:
    assert contents(module().outline).splitlines()[:2] == ["6-1607 Shop", "9-11 Shop.step_0"]


def test_the_change_that_was_made() -> None:
    assert "-LIMIT = 3\n+LIMIT = 4" in change(TEXT, TEXT.replace("= 3\n", "= 4\n", 1), "shop.py")
    cut = change("", TEXT, "shop.py", most_chars=500)
    assert len(cut) < 600
    assert cut.endswith("(cut)")


def test_any_text_can_be_shown() -> None:
    for text in (
        "",
        "\n\n",
        "def f(",
        "\0",
        "x = 1\r\ny = 2\r\n",
        "\N{BOM}x = 1\n",
        "\f\fdef f(): pass",
    ):
        given = Module("a.py", text, outline(text.encode(), "python"))
        numbered(given)
        around(given, [1, 99])
