"""Imports that an issue leaves out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.repo.repository import Repository
from swe_sleep.solve.reproduction.names import Missing, Names, missing

FILES = {
    "src/lib/__init__.py": "from lib.core import shown\nfrom ._hidden import inner\n",
    "src/lib/core.py": "def shown(): pass\nclass Deep: pass\nLIMIT: int = 3\ndef twice(): pass\n",
    "src/lib/_hidden.py": "def inner(): pass\n",
    "src/lib/more/__init__.py": "",
    "src/lib/more/tools.py": "def twice(): pass\ndef copy(): pass\n",
    "single.py": "def alone(): pass\n",
    "docs/conf.py": "def made(): pass\n",
    "tests/test_lib.py": "def helper(): pass\n",
    "setup.py": "def build(): pass\n",
}


@pytest.fixture
def names(make_repository: Callable[..., Path]) -> Names:
    with Repository.open(make_repository(FILES)) as repository:
        names = Names(repository.snapshot())
        assert names.tops == {"lib", "single"}
        for module in names.modules:  # while it is open
            names._definition(module)
        return names


@pytest.mark.parametrize(
    ("name", "is_module", "line"),
    [
        ("lib", True, "import lib"),
        ("single", True, "import single"),
        ("tools", True, "from lib.more import tools"),
        ("shown", False, "from lib import shown"),
        ("inner", False, "from lib import inner"),
        ("Deep", False, "from lib.core import Deep"),
        ("LIMIT", False, "from lib.core import LIMIT"),
        ("alone", False, "from single import alone"),
        ("twice", False, ""),
        ("helper", False, ""),
        ("build", False, ""),
        ("copy", True, "import copy"),
        ("copy", False, "from lib.more.tools import copy"),
        ("np", True, "import numpy as np"),
        ("Decimal", False, "from decimal import Decimal"),
        ("nowhere", False, ""),
    ],
)
def test_where_a_name_comes_from(names: Names, name: str, is_module: bool, line: str) -> None:
    assert names.import_of(Missing(name, is_module)) == line


def test_what_code_needs() -> None:
    code = "import a\nx = a.f(b.c, d)\nfor i in x:\n    print(i, [j for j in e])\ndef g(k): k, h\n"
    assert {m.name: m.is_module for m in missing(code)} == {
        "b": True,
        "d": False,
        "e": False,
        "h": False,
    }
    assert missing("def (") == []
