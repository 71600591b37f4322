from __future__ import annotations

from collections.abc import Mapping

import pytest

from swe_sleep.anticipate.leads.uses import broken, exported, named, overrides, texts
from swe_sleep.index.breakage import BrokenCall
from swe_sleep.index.compare import compare
from swe_sleep.index.graph import Graph
from swe_sleep.index.outline import outline
from swe_sleep.records import Place

BASE = "class Base:\n    def read(self, path):\n        return path\n"
SUB = "from base import Base\n\nclass Sub(Base):\n    def read(self, path):\n        return 1\n"


def graph_of(files: Mapping[str, str]) -> Graph:
    outlines = {path: outline(text.encode(), "python") for path, text in files.items()}
    return Graph(outlines, lambda path: files[path].encode())


def overridden(path: str, before: str, after: str) -> list[tuple[str, str, str]]:
    files = {"base.py": BASE, "sub.py": SUB}
    old = outline(files[path].encode(), "python")
    files[path] = files[path].replace(before, after)
    graph = graph_of(files)
    new = graph.outline(path)
    assert new is not None
    found = overrides(graph, path, new, compare(old, new))
    return [(lead.qualname, str(lead.place), lead.why) for lead in found]


def test_a_subclass_that_does_not_take_what_its_base_takes_now() -> None:
    ((qualname, place, why),) = overridden("base.py", "self, path", "self, path, mode")
    assert (qualname, place) == ("Base.read", "sub.py:4")
    assert "Sub.read overrides Base.read" in why and "2 arguments" in why


def test_a_subclass_that_takes_less_than_its_base() -> None:
    ((qualname, place, why),) = overridden("sub.py", "self, path", "self, path, mode")
    assert (qualname, place) == ("Sub.read", "sub.py:4")
    assert "mode" in why


@pytest.mark.parametrize("path", ["base.py", "sub.py"])
def test_an_optional_parameter_more_breaks_nothing(path: str) -> None:
    assert overridden(path, "self, path", "self, path, mode=1") == []


def test_calls_of_one_symbol_are_one_lead() -> None:
    calls = [
        BrokenCall(Place("b.py", line), "g", name, why, 1.0)
        for line, name, why in (
            (3, "f", "does not pass x, which is required"),
            (9, "f", "does not pass x, which is required"),
            (1, "h", "uses h, which is gone"),
        )
    ]
    first, second = broken("a.py", calls)
    assert (first.kind, first.subject) == ("signature", "a.py::f (signature)")
    assert [s.place.line for s in first.issue().suspicions] == [3, 9]
    assert first.issue().cause == ()  # the place is not in the file that changed
    assert (second.kind, second.why) == ("removed", "uses h, which is gone")


def test_what_is_gone_and_still_named_in_configuration_and_docs() -> None:
    old = outline(b"def main():\n    return 1\n\ndef other():\n    return 2\n", "python")
    gone = [symbol for symbol in old.symbols if symbol.name == "main"]
    files = {
        "pyproject.toml": b'[project.scripts]\ntool = "shop.cli:main"\n',
        "docs/api.rst": b"API\n===\n\n.. autofunction:: shop.cli.main\n",
        "docs/more.md": b"see shop.cli.main_loop and my_shop.cli:main",
        "a.py": b"shop.cli.main",
    }
    found = texts(files, files.__getitem__)
    (lead,) = named("shop/cli.py", "shop.cli", gone, found)
    assert (lead.kind, lead.place) == ("removed", Place("pyproject.toml", 2))
    assert [str(s.place) for s in lead.more] == ["docs/api.rst:4"]
    assert not list(named("shop/cli.py", "", gone, found))


def test_names_that_all_lists_and_nobody_defines() -> None:
    before = (
        "__all__ = ['f', 'g', 'h']\nfrom x import h\n\ndef f():\n    return 1\n\ndef g(): ...\n"
    )
    old = outline(before.encode(), "python")

    def found(after: str) -> list[str]:
        return [lead.qualname for lead in exported("a.py", old, outline(after.encode(), "python"))]

    assert found(before) == []
    assert found(before.replace("def g(): ...\n", "")) == ["g"]
    assert found(before.replace("from x import h\n", "")) == ["h"]
    assert found(before.replace("def g(): ...\n", "from y import g\n")) == []
    assert found(before.replace("def g(): ...\n", "from y import *\n")) == []
