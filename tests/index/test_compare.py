from __future__ import annotations

from collections.abc import Callable

import pytest

from swe_sleep.index.breakage import broken_calls
from swe_sleep.index.calls import calls_in
from swe_sleep.index.compare import SignatureChange, SymbolChange, compare
from swe_sleep.index.graph import Graph
from swe_sleep.index.outline import outline
from swe_sleep.index.parameters import signature_of


def changes(old: str, new: str, language: str = "python") -> tuple[SymbolChange, ...]:
    return compare(outline(old.encode(), language), outline(new.encode(), language))


def signature(old: str, new: str, language: str = "python") -> SignatureChange:
    bodies = {"python": "def f({}):\n    return 1\n", "typescript": "function f({}) {{\n}}\n"}
    bodies["go"] = "package p\nfunc (r T) f({}) {{\n}}\n"
    bodies["java"] = "class A {{ int f({}) {{\n}} }}\n"
    (change,) = changes(bodies[language].format(old), bodies[language].format(new), language)
    assert change.signature is not None
    return change.signature


def test_added_removed_renamed_and_moved() -> None:
    old = "def a():\n    return 1\n\ndef b():\n    return 2\n\nclass C:\n    x = 1\n"
    new = "class C:\n    x = 1\n\ndef bb():\n    return 2\n\ndef new():\n    return 3\n"
    found = changes(old, new)
    assert [(c.what, c.qualname) for c in found] == [
        ("renamed", "bb"),
        ("added", "new"),
        ("removed", "a"),
    ]
    assert found[0].old is not None and found[0].old.qualname == "b"
    assert changes(old, "# moved down\n" + old) == ()


def test_what_changed_in_a_symbol() -> None:
    old = "class A(B):\n    def f(self):\n        return 1\n    @property\n    def g(self): ...\n"
    (change,) = changes(old, old.replace("return 1", "return 2"))
    assert change.qualname == "A.f" and change.body_only
    (change,) = changes(old, old.replace("(B)", "(B, M)"))
    assert change.qualname == "A" and change.bases and not change.body_only
    (change,) = changes(old, old.replace("    @property\n", ""))
    assert change.qualname == "A.g" and change.decorators
    (change,) = changes("X = 1\n", "X = 2\n")
    assert change.what == "changed" and change.body
    assert {c.what for c in compare(None, outline(old.encode(), "python"))} == {"added"}
    assert {c.what for c in compare(outline(old.encode(), "python"), None)} == {"removed"}


@pytest.mark.parametrize(
    ("old", "new", "text", "may_break"),
    [
        ("a", "a, b", "b added (required)", True),
        ("a", "a, b=1", "b added", False),
        ("a, c=1", "a, b=1, c=1", "b added, parameters reordered", True),
        ("a, b", "a", "b removed", True),
        ("a, b", "a, c", "b renamed to c", True),
        ("a, b", "b, a", "parameters reordered", True),
        ("a, b=1", "a, b", "b now required", True),
        ("a, b", "a, b=1", "b now optional", False),
        ("a, b=1", "a, b=2", "default of b changed", False),
        ("a, b", "a, *, b", "b passed another way", True),
        ("a: int", "a: str", "type of a changed", False),
        ("a, /, *b, c, **d", "a, /, *b, **d", "c removed", True),
    ],
)
def test_how_parameters_changed(old: str, new: str, text: str, may_break: bool) -> None:
    change = signature(old, new)
    assert (str(change), change.may_break_calls) == (text, may_break)


@pytest.mark.parametrize(
    ("language", "old", "new", "text"),
    [
        ("typescript", "a: number, b?: string", "a: number, b: string", "b now required"),
        ("typescript", "a: Map<x, y>", "a: Map<x, y>, c = (d, e)", "c added"),
        ("go", "a int", "a int, b string", "b added (required)"),
        ("java", "Map<A, B> a", "Map<A, B> a, final int... c", "c added"),
        ("java", "int a", "long a", "type of a changed"),
    ],
)
def test_parameters_of_other_languages(language: str, old: str, new: str, text: str) -> None:
    assert str(signature(old, new, language)) == text


def test_a_signature_that_cannot_be_read_is_none() -> None:
    assert signature_of("def f(a, a b", "python") is None
    assert signature_of("class A", "java") is None


def test_calls_with_what_is_passed() -> None:
    text = "f(1, *a, b=2, **c)\nx.y.f(\n  g(1),\n  2)\nf(i for i in z)\nnot_f(1)\n"
    first, second, third = calls_in(text.encode(), "python", {"f"})
    assert (first.positional, first.keywords, first.spread, first.spread_keywords) == (
        1, ("b",), True, True,
    )  # fmt: skip
    assert (second.receiver, second.line, second.end_line, second.positional) == ("x.y", 2, 4, 2)
    assert third.positional == 1
    (call,) = calls_in(b"class A { void g() { this.f(1, 2); } }", "java", {"f"})
    assert (call.receiver, call.positional) == ("this", 2)


REPOSITORY = {
    "lib.py": (
        "def price(item, rate=1):\n    return item\n\n"
        "class Box:\n"
        "    def __init__(self, size):\n        self.size = size\n\n"
        "    def fill(self, what, how='full'):\n        return what\n\n"
        "    @staticmethod\n    def make(size):\n        return Box(size)\n"
    ),
    "user.py": (
        "from lib import price as cost, Box\n"
        "import lib\n\n"
        "def one():\n    return cost(1) + cost(1, 2) + cost(1, rate=2) + lib.price(*all)\n\n"
        "def two():\n    box = Box(1)\n    box.fill('a')\n    Box.fill(box, 'a')\n    Box.make(3)\n"
    ),
}


def broken(graph: Graph, new: str) -> list[tuple[str, int | None, str]]:
    old = graph.outline("lib.py")
    assert old is not None
    files = {**REPOSITORY, "lib.py": new}
    found = broken_calls(
        graph, "lib.py", old, outline(new.encode(), "python"), lambda p: files[p].encode()
    )
    return [(f"{b.place.path} {b.within}", b.place.line, b.why) for b in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("rate=1", "rate", [("user.py one", 5, "does not pass rate, which is required")]),
        (
            "item, rate=1",
            "item, tax=1",
            [("user.py one", 5, "passes rate=, which is not taken")],
        ),
        (
            "item, rate=1",
            "item",
            [
                ("user.py one", 5, "passes 2 arguments by position, 1 are taken"),
                ("user.py one", 5, "passes rate=, which is not taken"),
            ],
        ),
        ("rate=1", "rate=2", []),
        (
            "self, size",
            "self, size, kind",
            [
                ("lib.py Box.make", 13, "does not pass kind, which is required"),
                ("user.py two", 8, "does not pass kind, which is required"),
            ],
        ),
        (
            "how='full'",
            "how",
            [
                ("user.py two", 9, "does not pass how, which is required"),
                ("user.py two", 10, "does not pass how, which is required"),
            ],
        ),
        ("def make(size)", "def make(size, x)",
         [("user.py two", 11, "does not pass x, which is required")]),
        (
            "def price(item",
            "def cost(item",
            [("user.py ", 1, "uses price, which is gone"),
             ("user.py one", 5, "uses price, which is gone"),
             ("user.py one", 5, "uses price, which is gone")],
        ),
    ],
)  # fmt: skip
def test_calls_that_no_longer_fit(
    graph_of: Callable[[dict[str, str]], Graph],
    before: str,
    after: str,
    expected: list[tuple[str, int, str]],
) -> None:
    found = broken(graph_of(REPOSITORY), REPOSITORY["lib.py"].replace(before, after))
    assert sorted(found) == sorted(expected)
