"""The hunt on a small library with true faults in it, and with traps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.anticipate.hunting.hunt import Ground, Hunted, find_target, hunt
from swe_sleep.records import Outcome

TEXTS = '''\
"""Texts."""

from typing import List, Optional


def initials(name: str) -> str:
    """The first letters of the words."""
    return "".join(word[0].upper() for word in name.split(" "))


def indent_of(lines: List[str]) -> int:
    """How far the least indented line is in."""
    for line in lines:
        if line.strip():
            least = len(line) - len(line.lstrip())
            break
    return least


def depth(text: str) -> int:
    """How deep brackets are nested."""
    if "(" not in text:
        return 0
    return 1 + depth(text.replace("(", "(", 1))


def squeeze_spaces(text: str) -> str:
    """Runs of spaces as one."""
    return text.replace("  ", " ")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def unescape(text: str) -> str:
    return text.replace("&amp;", "&").replace("&lt;", "<")


def first_word(text: str) -> str:
    """The first word. Raises IndexError where there is none."""
    return text.split()[0]


def lookup(name: str) -> str:
    """The colour of a name."""
    return {"red": "#f00"}[name]


def share(part: int, whole: int) -> float:
    return part / whole


def checked(text: str) -> str:
    assert text, "no text"
    if text == "a":
        raise KeyError(text)
    return text


def untyped(thing):
    return thing.name.upper()


def good(text: str, times: int = 2) -> str:
    return text.strip() * times


def grouped(key, items):
    """Items by what the key says of them."""
    found = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def filled(value, format="{}"):
    return format.format(value)


def stops(text: str) -> str:
    while text.startswith("a"):
        pass
    return text


def numbers(text: str) -> Optional[List[int]]:
    """Numbers with commas between.

    >>> numbers("1,2")
    [1, 2]
    >>> numbers("")
    []
    """
    found = []
    for part in text.split(","):
        if part.isdigit():
            found.append(int(part))
    return found if found[-1:] else found[0:]
'''
TESTS = """\
from lib.texts import escape, filled, good, grouped, initials, squeeze_spaces, unescape


def test_initials():
    assert initials("Ada Lovelace") == "AL"
    assert initials("Bob") == "B"


def test_squeeze():
    assert squeeze_spaces("a  b") == "a b"
    assert squeeze_spaces("a b  c") == "a b c"


def test_escape():
    assert escape("a < b") == "a &lt; b"
    assert escape("a & b") == "a &amp; b"
    assert unescape("a &lt; b") == "a < b"


def test_grouped():
    assert grouped(str.lower, ["a", "A"]) == {"a": ["a", "A"]}
    assert grouped(lambda n: n % 2, [1, 2]) == {1: [1], 0: [2]}


def test_filled():
    assert filled(1, "{}%") == "1%"
    assert filled("a", format="<{}>") == "<a>"


def test_good():
    assert good(" a ") == "aa"
"""
LIBRARY = {"lib/__init__.py": "", "lib/texts.py": TEXTS, "tests/test_texts.py": TESTS}

Hunter = Callable[..., Hunted]


@pytest.fixture
def hunter(open_both: Callable[..., Any]) -> Hunter:
    """`hunter(qualname, {path: text}, path=...)` hunts one function of a library."""
    grounds: dict[str, Ground] = {}

    def run(
        qualname: str,
        files: dict[str, str] | None = None,
        path: str = "lib/texts.py",
        covering: tuple[str, ...] = (),
    ) -> Hunted:
        files = files or LIBRARY
        ground = grounds.get(str(files))
        if ground is None:
            tests, snapshot = open_both(files)
            sources = {p: snapshot.read(p) for p in snapshot.files if p.endswith(".py")}
            modules = {p: p[:-3].replace("/", ".") for p in sources}
            test_files = [p for p in sources if p.startswith("tests/")]
            ground = grounds[str(files)] = Ground(tests, sources, test_files, modules, 30.0)
        target = find_target(ground, path, qualname)
        return Hunted(why="no target") if target is None else hunt(ground, target, covering)

    return run


def shown(hunted: Hunted) -> list[str]:
    return [finding.result.message for finding in hunted.findings]


pytestmark = pytest.mark.timeout(600)


def test_finds_true_faults(hunter: Hunter) -> None:
    initials = hunter("initials", covering=("tests/test_texts.py::test_initials",))
    assert initials.findings, initials
    (finding,) = initials.findings
    assert finding.result.outcome is Outcome.FAILED
    assert shown(initials) == ["IndexError: string index out of range"]
    assert finding.find.evidence == {"name": "annotation"}
    assert finding.written.path.startswith("tests/test_hunt_initials_")
    assert "hypothesis" not in finding.written.content
    compile(finding.written.content, finding.written.path, "exec")

    (message,) = shown(hunter("indent_of"))
    assert message.startswith("UnboundLocalError")
    (message,) = shown(hunter("depth"))
    assert message.startswith("RecursionError")


def test_finds_what_never_ends(hunter: Hunter) -> None:
    (finding,) = hunter("stops").findings
    assert finding.find.kind == "hang"
    assert finding.result.outcome is Outcome.TIMEOUT
    assert finding.find.arguments[0].startswith("'a")


def test_finds_broken_properties(hunter: Hunter) -> None:
    (squeezed,) = hunter("squeeze_spaces").findings
    assert squeezed.find.property == "idempotence"
    (finding,) = hunter("escape").findings
    assert finding.find.property == "round trip"
    assert finding.find.other == "unescape"
    assert "&lt;" in finding.find.arguments[0] or "&amp;" in finding.find.arguments[0]


def test_keeps_silent_on_errors_that_are_meant(hunter: Hunter) -> None:
    for name in (
        "first_word",
        "lookup",
        "share",
        "checked",
        "good",
        "numbers",
        "grouped",
        "filled",
    ):
        hunted = hunter(name)
        assert hunted.exercised.calls > 10, (name, hunted.why)
        assert hunted.findings == [], name


def test_calls_nothing_of_which_nothing_is_known(hunter: Hunter) -> None:
    hunted = hunter("untyped")
    assert hunted.findings == []
    assert "thing" in hunted.why


def test_is_the_same_each_time(hunter: Hunter) -> None:
    once, again = (hunter("initials") for _ in range(2))
    assert [f.written for f in once.findings] == [f.written for f in again.findings]
    assert once.exercised.calls == again.exercised.calls


WILD = """\
import os
import sys
import threading


def prints(text: str) -> str:
    for _ in range(100):
        sys.stdout.write(text * 1_000_000)
        sys.stdout.flush()
    return text[0] if text else text


def eats(text: str) -> int:
    return len("x" * 10 ** 11) + text.nothing


def ends(text: str) -> str:
    if len(text) > 2:
        raise SystemExit(3)
    return text


def deletes(text: str) -> str:
    os.remove(__file__)
    return text.nothing


def hidden(text: str) -> str:
    getattr(os, "rem" + "ove")(__file__)
    return text.nothing


def forks(text: str) -> str:
    getattr(os, "fo" + "rk")()
    return text.nothing


def threads(text: str) -> str:
    make = getattr(threading, "Thr" + "ead")
    make(target=print).start()
    return text.nothing


def asks(text: str) -> str:
    return (__builtins__["input"] if isinstance(__builtins__, dict) else print)(text).nothing


def mute(text: str) -> str:
    try:
        getattr(os, "rem" + "ove")(__file__)
    except BaseException:
        pass
    return text.nothing
"""


def test_leaves_alone_what_does_more_than_compute(hunter: Hunter) -> None:
    for name in ("eats", "ends", "deletes", "hidden", "forks", "threads", "asks", "mute"):
        hunted = hunter(name, {"lib/__init__.py": "", "lib/wild.py": WILD}, "lib/wild.py")
        assert hunted.findings == [], name
        assert hunted.why, name


def test_a_gigabyte_of_output_harms_nobody(hunter: Hunter) -> None:
    hunted = hunter("prints", {"lib/__init__.py": "", "lib/wild.py": WILD}, "lib/wild.py")
    assert hunted.findings == []


def test_a_forged_result_proves_nothing(hunter: Hunter) -> None:
    forged = (
        '{"e": "found", "property": "crash", "other": "", "kind": "KeyError", "message": "x", '
        '"frames": [["lib/liar.py", 5, "lies"]], "statement": "", "lazy": false, "call": '
        '{"receiver": "", "arguments": ["1"], "keywords": {}}, "imports": '
        '["from lib.liar import lies"], "evidence": {"n": "seen"}}'
    )
    liar = (
        "import sys\n\n\ndef lies(n: int) -> int:\n"
        "    stack = [sys._getframe()]\n"
        "    while stack[-1].f_back:\n        stack.append(stack[-1].f_back)\n"
        "    for frame in stack:\n"
        "        out = frame.f_locals.get('out')\n"
        "        if hasattr(out, 'write'):\n"
        f"            out.write({forged!r} + chr(10))\n"
        "    return n\n"
    )
    hunted = hunter("lies", {"lib/__init__.py": "", "lib/liar.py": liar}, "lib/liar.py")
    assert hunted.exercised.finds
    assert hunted.findings == []


def test_stops_at_once(open_both: Callable[..., Any]) -> None:
    tests, snapshot = open_both(LIBRARY)
    sources = {p: snapshot.read(p) for p in snapshot.files if p.endswith(".py")}
    modules = {p: p[:-3].replace("/", ".") for p in sources}
    ground = Ground(tests, sources, ["tests/test_texts.py"], modules, 30.0, lambda: True)
    target = find_target(ground, "lib/texts.py", "initials")
    assert target is not None
    hunted = hunt(ground, target)
    assert hunted.findings == []
    assert hunted.why == "it was stopped"
