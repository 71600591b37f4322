"""Proof by a model's test and patch: both are run, in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest

from swe_sleep.anticipate.asking import Unfit
from swe_sleep.anticipate.digest import Module
from swe_sleep.anticipate.reproducing import Accused, Bench, Verdict, reproduce
from swe_sleep.index.outline import outline
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import AnticipatedIssue, Entry, Place, State, Suspicion
from swe_sleep.repo.hashing import blob_of
from swe_sleep.repo.snapshot import REGULAR, Snapshot
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.tests import Tests

SHOP = (
    "def total(prices):\n    return sum(prices) + 1\n\n\n"
    "def vat(cents):\n    return cents // 10\n\n\n"
    "def first(prices):\n    return prices[0]\n"
)
OLD = SHOP.replace(" + 1", "")
FILES = {
    "shop.py": SHOP,
    "test_shop.py": "from shop import vat\n\n\ndef test_vat():\n    assert vat(100) == 10\n",
}
ISSUE = AnticipatedIssue(
    title="The total is one too high",
    state=State.SUSPECTED,
    symptom="total([1]) gives 2.",
    suspicions=(Suspicion(Place("shop.py", 2), 0.7, "adds one"),),
    check="total([1]) == 1",
)
TEST = "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
EDIT: dict[str, Any] = {"path": "shop.py", "search": "sum(prices) + 1", "replace": "sum(prices)"}
DRAFT: dict[str, Any] = {
    "verdict": "bug",
    "reason": "One is added.",
    "test_file": TEST,
    "test_name": "test_total",
    "failure": "AssertionError",
    "edits": [EDIT],
}
GIVEN_UP = {**DRAFT, "verdict": "no bug", "test_file": "", "test_name": "", "edits": []}


class InMemory:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, entry: Entry) -> bytes:
        return self._files[path]


@pytest.fixture(scope="module")
def tests() -> Iterator[Tests]:
    contents = {path: text.encode() for path, text in FILES.items()}
    entries = {path: Entry(blob_of(c, "sha1"), REGULAR) for path, c in contents.items()}
    snapshot = Snapshot(entries, None, None, InMemory(contents))
    backend = LocalBackend()
    environment = backend.prepare(snapshot, progress=lambda line: None)
    with backend.open(snapshot, environment) as sandbox:
        yield Tests(sandbox)


@pytest.fixture
def prove(tests: Tests, ask: Any) -> Callable[..., Verdict]:
    def run(**more: Any) -> Verdict:
        module = Module("shop.py", SHOP, outline(SHOP.encode(), "python"))
        accused = Accused(ISSUE, module, range(2, 3), "shop", "def test_vat(): ...")
        bench = Bench(tests, "test_sleep.py", impacted=("test_shop.py::test_vat",), **more)
        found = reproduce(accused, bench, ask, fence=Fence.lasting(b"secret"))
        assert not tests.sandbox.changes()  # it leaves nothing behind
        return found

    return run


def test_it_fails_twice_and_passes_with_the_patch(prove: Any, says: Any, asked: Any) -> None:
    says(DRAFT)
    found = prove()
    assert found.state == "reproduced"
    assert found.written.content == TEST
    assert found.written.tests == ("test_sleep.py::test_total",)
    assert found.proof.holds
    assert found.proof.impacted.passed == {"test_shop.py::test_vat"}
    assert found.files == {"shop.py": OLD.encode()}
    assert found.ran == ("shop.py",)
    assert "assert 4 == 3" in found.failure.message
    told = asked()[0]["messages"][0]["content"][0]["text"]
    assert "total([1]) == 1" in told
    assert "return sum(prices) + 1" in told


def test_it_passes_on_the_version_before(prove: Any, says: Any) -> None:
    says({**DRAFT, "edits": []})
    found = prove(before={"shop.py": (OLD.encode(), "blob-of-old")})
    assert found.state == "reproduced"
    assert found.written.passed_with == {"shop.py": "blob-of-old"}
    assert found.proof is None


def test_a_test_that_passes_refutes_only_when_it_does_so_twice(
    prove: Any, says: Any, asked: Any
) -> None:
    passing = {**DRAFT, "test_file": TEST.replace("== 3", "== 4")}
    says(passing)
    says(passing)
    assert prove().state == "refuted"
    told = asked()[1]["messages"]
    assert [message["role"] for message in told] == ["user", "assistant", "user"]
    assert "passes on the code as it is" in told[-1]["content"][0]["text"]
    says(passing)
    says(DRAFT)
    assert prove().state == "reproduced"


def test_the_model_may_take_it_back(prove: Any, says: Any) -> None:
    says({**GIVEN_UP, "reason": "The total includes a fee."})
    found = prove()
    assert (found.state, found.why, found.runs) == ("refuted", "The total includes a fee.", 1)


NO_PROOFS: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is not there": (
        {"test_file": TEST.replace("import total", "import totals as total")},
        "could not be run",
    ),
    "a fixture that is not there": (
        {"test_file": TEST.replace("test_total()", "test_total(shop)")},
        "could not be run",
    ),
    "another error than it says": ({"failure": "KeyError"}, "with AssertionError, not with Key"),
    "its own mistake": (
        {
            "test_file": TEST.replace("total([1, 2]) == 3", "totl([1]) == 3"),
            "failure": "NameError",
        },
        "the fault is the test's own",
    ),
    "its own mistake of another kind": (
        {"test_file": TEST.replace("total([1, 2])", "{}['x']"), "failure": "KeyError"},
        "the fault is the test's own",
    ),
    "it never comes to the code": (
        {"test_file": TEST.replace("total([1, 2]) == 3", "1 == 2")},
        "never runs the suspected function",
    ),
    "it fails now and then": (
        {
            "test_file": "import os\n" + TEST.replace("== 3", "== 3, os.urandom(4)"),
        },
        "does not fail the same way",
    ),
    "there is no patch": ({"edits": []}, "no patch with which it passes"),
    "the patch mends nothing": (
        {"edits": [{**EDIT, "replace": "sum(prices) + 2"}]},
        "still fails",
    ),
    "the patch breaks another test": (
        {"edits": [EDIT, {**EDIT, "search": "cents // 10", "replace": "cents // 5"}]},
        "it breaks test_shop.py::test_vat",
    ),
}


@pytest.mark.parametrize("name", NO_PROOFS)
def test_what_is_no_proof(name: str, prove: Any, says: Any, asked: Any) -> None:
    wrong, why = NO_PROOFS[name]
    says({**DRAFT, **wrong})
    says(GIVEN_UP)
    assert prove().state == "refuted"
    assert why in asked()[1]["messages"][-1]["content"][0]["text"]


def test_after_the_second_try_the_suspicion_stays_open(prove: Any, says: Any) -> None:
    for _ in range(2):
        says({**DRAFT, "edits": []})
    found = prove()
    assert (found.state, found.why) == ("open", "there is no patch with which it passes.")
    assert found.written is None


def test_an_error_that_the_code_raises(tests: Tests, ask: Any, says: Any) -> None:
    module = Module("shop.py", SHOP, outline(SHOP.encode(), "python"))
    draft = {
        **DRAFT,
        "test_file": "from shop import first\n\n\ndef test_none():\n    assert first([]) is None\n",
        "test_name": "test_none",
        "failure": "builtins.IndexError",
        "edits": [
            {
                "path": "shop.py",
                "search": "return prices[0]",
                "replace": "return prices[0] if prices else None",
            }
        ],
    }
    says(draft)
    accused = Accused(ISSUE, module, range(10, 11), "shop")
    found = reproduce(accused, Bench(tests, "test_sleep.py"), ask, fence=Fence.lasting(b""))
    assert found.state == "reproduced"
    assert found.failure is not None
    assert found.failure.message.startswith("IndexError")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"test_name": "total"}, "no name of a test"),
        ({"test_name": "test_x; import os"}, "no name of a test"),
        ({"test_file": "def test_total(:"}, "does not parse"),
        ({"test_file": "x = 1\n"}, "has no function test_total"),
        ({"test_file": TEST + "#" * 9000}, "longer than"),
        ({"failure": ""}, "`failure` is empty"),
        ({"edits": [{**EDIT, "path": "test_shop.py"}]}, "none of the files"),
        ({"edits": [{**EDIT, "path": "/etc/passwd"}]}, "none of the files"),
        ({"verdict": "maybe"}, "does not match the schema"),
    ],
)
def test_drafts_that_cannot_be_run_are_asked_for_again(
    wrong: Any, why: str, prove: Any, says: Any, asked: Any
) -> None:
    says({**DRAFT, **wrong})
    says({**DRAFT, **wrong})
    with pytest.raises(Unfit, match=why):
        prove()
    assert why in asked()[1]["messages"][-1]["content"][0]["text"]


def test_a_test_that_attacks_stays_in_the_sandbox(prove: Any, says: Any, tmp_path: Any) -> None:
    """It prints very much and removes what it can: it is no proof, and the person loses nothing."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    attack = (
        "import os, shutil\nfrom shop import total\n\n\ndef test_total():\n"
        f"    try:\n        os.remove({str(victim)!r})\n    except OSError:\n        pass\n"
        "    shutil.rmtree('.', ignore_errors=True)\n"
        "    for _ in range(20):\n        print('x' * 1_000_000)\n"
        "    assert total([1]) == 1\n"
    )
    says({**DRAFT, "test_file": attack, "edits": []})
    says(msgspec.json.decode(msgspec.json.encode(GIVEN_UP)))
    assert prove().state == "refuted"
    if LocalBackend().guarantees().files_held:
        assert victim.read_text() == "mine"
