"""The repository's pytest settings: what gets in the way does not act, what matters does."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from swe_sleep.records import Coverage
from swe_sleep.testing.tests import Tests

OpenTests = Callable[..., Tests]

NOISY = """
[pytest]
addopts = -q -x --lf -p no:cacheprovider --strict-markers --strict-config --maxfail=1 -vv -s
    -n 4 --cov shop --cov-fail-under=100 --junitxml=junit.xml --html=r.html --color=yes
    --timeout 5 --reruns 2 -m "not slow" --tb=no --durations=3 --pdb
markers = slow: takes long
required_plugins = pytest-absent>=1
asyncio_mode = auto
timeout = 3
testpaths = checks
pythonpath = src
filterwarnings = error
"""
FILES = {
    "pytest.ini": NOISY,
    "src/shop.py": "def two():\n    return 2\n",
    "checks/test_a.py": (
        "import pytest\nimport shop\n\n"
        "def test_first():\n    assert shop.two() == 3\n\n"
        "@pytest.mark.slow\ndef test_slow(): pass\n\n"
        "@pytest.mark.timeout(9)\ndef test_marked(): pass\n\n"
        "def test_last(): print('noise'); assert shop.two() == 2\n"
    ),
    "elsewhere/test_b.py": "def test_not_in_testpaths(): pass\n",
}


def names(ids: frozenset[str]) -> set[str]:
    return {test_id.rpartition("::")[2] for test_id in ids}


def check(tests: Tests) -> None:
    for _ in range(2):  # the second run would be `--lf`
        run = tests.run(None, timeout_s=120, test_timeout_s=60)
        assert run.problem == "", run.log
        assert names(run.passed) == {"test_marked", "test_last"}
        assert names(run.bad) == {"test_first"}
        assert "assert 2 == 3" in run.results[0].detail
    asked = tests.run(["checks/test_a.py::test_slow"], timeout_s=120, test_timeout_s=60)
    assert names(asked.passed) == {"test_slow"}  # asked for by name, so `-m` does not hide it
    file = tests.run(["checks/test_a.py"], timeout_s=120, test_timeout_s=60)
    assert names(file.passed) == {"test_marked", "test_last"}  # of a file, what `-m` leaves
    assert tests.sandbox.changes() == {}


def test_settings_of_plugins_that_are_absent(open_tests: OpenTests) -> None:
    check(open_tests(FILES))


def test_settings_of_plugins_that_are_there(open_tests: OpenTests) -> None:
    check(open_tests(FILES, ours=True))  # xdist, pytest-timeout


def test_doctests_in_modules(open_tests: OpenTests) -> None:
    files = {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--doctest-modules"\n',
        "lib.py": '"""\n>>> 1 + 1\n3\n"""\n',
    }
    tests = open_tests(files)
    assert tests.collect(timeout_s=60).test_ids == ("lib.py::lib",)
    run = tests.run(["lib.py::lib"], timeout_s=60, test_timeout_s=60)
    assert names(run.bad) == {"lib"}


def test_folders_on_the_path_reach_what_tests_start(open_tests: OpenTests) -> None:
    files = {
        "src/shop.py": "PRICE = 2\n",
        "tests/test_a.py": (
            "import subprocess, sys, shop\n"
            "def test_a(): subprocess.run([sys.executable, '-c', 'import shop'], check=True)\n"
        ),
    }
    run = open_tests(files, python_path=("src",)).run(None, timeout_s=60, test_timeout_s=60)
    assert names(run.passed) == {"test_a"}


def test_settings_above_the_copy_do_not_act(open_tests: OpenTests) -> None:
    tests = open_tests({"pyproject.toml": "[project]\n", "test_a.py": "def test_a(): pass\n"})
    above = "pytest.ini", "conftest.py"
    folder = posixpath.dirname(tests.sandbox.workdir)
    write = (
        f"cd {folder} && echo '[pytest]\naddopts = --broken' > {above[0]}; echo 1/0 > {above[1]}"
    )
    tests.sandbox.run(["sh", "-c", write], timeout_s=10)
    run = tests.run(None, timeout_s=60, test_timeout_s=60)
    assert names(run.passed) == {"test_a"}


def test_a_hook_that_raises_is_said(open_tests: OpenTests) -> None:
    files = {
        "conftest.py": "def pytest_collection_finish(session): raise RuntimeError('own hook')\n",
        "test_a.py": "def test_a(): pass\n",
    }
    run = open_tests(files).run(None, timeout_s=60, test_timeout_s=60)
    assert run.results == ()
    assert "RuntimeError: own hook" in run.problem


def test_own_arrangements_of_a_large_repository(open_tests: OpenTests) -> None:
    """A conftest with options, hooks, and a plugin of its own, as some projects have."""
    files = {
        "conftest.py": (
            "import sys, pytest\n"
            "collect_ignore = ['lib/broken_test.py']\n"
            "def pytest_addoption(parser): parser.addoption('--split', default='')\n"
            "def pytest_report_header(config): return 'ground types'\n"
            "def pytest_collection_modifyitems(items): items.reverse()\n"
            "def pytest_terminal_summary(terminalreporter): terminalreporter.write('bye')\n"
        ),
        "setup.cfg": "[tool:pytest]\naddopts = --split=1/2\npython_files = *_test.py\n",
        "lib/__init__.py": "",
        "lib/broken_test.py": "raise RuntimeError\n",
        "lib/conftest.py": "import pytest\n@pytest.fixture(autouse=True)\ndef clean(): yield\n",
        "lib/good_test.py": "def test_a(): pass\ndef test_b(): pass\n",
    }
    run = open_tests(files).run(None, timeout_s=60, test_timeout_s=60)
    assert run.problem == ""
    assert [r.test_id for r in run.results] == [
        "lib/good_test.py::test_b",
        "lib/good_test.py::test_a",
    ]


SHOP = {
    "shop/__init__.py": "",
    "shop/price.py": "LIMIT = 3\n\ndef half(n):\n    if n > LIMIT:\n        return n / 2\n    return 0\n",  # noqa: E501
    "test_shop.py": (
        "from shop.price import half\n\n"
        "def test_small():\n    assert half(1) == 0\n\n"
        "def test_large():\n    assert half(8) == 4\n\n"
        "def test_dies():\n    half(9)\n    import os, signal\n    os.kill(os.getpid(), 9)\n\n"
        "def test_after():\n    half(2)\n"
    ),
}


def test_coverage_by_test(open_tests: OpenTests) -> None:
    run = open_tests(SHOP).run(None, coverage=True, timeout_s=60, test_timeout_s=60)
    coverage = run.coverage
    assert isinstance(coverage, Coverage)
    assert coverage.lines[""]["shop/price.py"] == (1, 3)
    assert coverage.lines["test_shop.py::test_after"] == {
        "shop/price.py": (4, 6),
        "test_shop.py": (15,),
    }
    # The process that died took at most its last batch with it.
    assert set(coverage.lines) <= {"", *(r.test_id for r in run.results)}
    assert names(run.bad) == {"test_dies"}


def test_coverage_that_is_not_installed(open_tests: OpenTests) -> None:
    files = {"coverage.py": "raise ImportError\n", "test_a.py": "def test_a(): pass\n"}
    run = open_tests(files).run(None, coverage=True, timeout_s=60, test_timeout_s=60)
    assert names(run.passed) == {"test_a"}
    assert run.coverage is None
    assert run.problem == "coverage is not installed in the project's environment"


def test_a_test_that_takes_all_memory_is_named(open_tests: OpenTests) -> None:
    source = (
        "import time\n"
        "def test_before(): pass\n"
        "def test_hungry():\n"
        "    held = []\n"
        "    while True:\n"
        "        held.append(bytearray(20_000_000))\n"
        "        for i in range(0, 20_000_000, 4096): held[-1][i] = 1\n"
        "        if len(held) > 20: time.sleep(0.02)\n"
        "def test_after(): pass\n"
    )
    tests = open_tests({"test_memory.py": source}, memory_mb=400)
    run = tests.run(None, timeout_s=120, test_timeout_s=60)
    assert names(run.passed) == {"test_before", "test_after"}
    assert names(run.bad) == {"test_hungry"}
    hungry = run.result("test_memory.py::test_hungry")
    assert hungry is not None
    assert "emory" in hungry.message
