"""The environment's note: what was found, whether the tests collect, fresh by its files."""

from __future__ import annotations

from typing import Any

from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import EnvironmentData
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sleep.passes.environment import EnvironmentPass

PASSES = [EnvironmentPass()]
TOX = "[testenv]\ncommands = pytest -k 'not slow' tests\nsetenv =\n    SHOP = {toxinidir}/x\n"


def data(project: Any) -> EnvironmentData:
    found: EnvironmentData = project.view.get(kinds.ENVIRONMENT, "").data(EnvironmentData)
    return found


def test_what_the_tests_run_in_is_written_down(shop: Any) -> None:
    assert shop.sleep(PASSES).units == {"environment": 1}
    found = data(shop)
    assert found.python.startswith("3.")
    assert found.collected > 1
    assert (found.problem, found.errors, found.command) == ("", {}, "")
    assert f"{found.collected} tests were collected." in shop.view.get("environment", "").note.body
    assert shop.sleep(PASSES).units == {}
    shop.write("unrelated.py", "x = 1\n")
    assert shop.sleep(PASSES).units == {}


def test_a_new_file_of_settings_makes_it_anew(shop: Any) -> None:
    shop.sleep(PASSES)
    shop.write("tox.ini", TOX)
    assert not shop.view.get(kinds.ENVIRONMENT, "").fresh
    assert shop.sleep(PASSES).units == {"environment": 1}
    found = data(shop)
    assert (found.command, found.test_arguments) == ("tox.ini", ("-k", "not slow"))
    assert dict(found.variables) == {"SHOP": "{root}/x"}
    assert "as in `tox.ini`" in shop.view.get(kinds.ENVIRONMENT, "").note.body


def test_a_file_that_cannot_be_collected_is_named(make_project: Any) -> None:
    project = make_project(
        {
            "tests/test_a.py": "def test_a(): pass\n",
            "tests/test_b.py": "import no_such_module_of_ours\n",
        }
    )
    project.sleep(PASSES)
    found = data(project)
    assert found.collected == 1
    assert "no_such_module_of_ours" in found.errors["tests/test_b.py"]


def test_what_cannot_be_made_is_a_note_too(shop: Any) -> None:
    shop.backend = LocalBackend(EnvironmentOptions(python="3.98"))
    shop.sleep(PASSES)
    found = data(shop)
    assert (found.python, found.collected) == ("", 0)
    assert "There is no Python 3.98 here." in found.problem
