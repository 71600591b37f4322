"""Variants of the repository's own tests on both versions, and what they show.

A test brings what a call alone has not: fixtures, objects in the state that matters, and
assertions. One that says what must hold for any value (`loads(dumps(x)) == x`), held for another
one before the change, and does not any more, is the word of whoever wrote the test. One that
expects a certain value says nothing of others: whoever mends a bug changes them too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swe_sleep.anticipate.plugged import Plugged
from swe_sleep.anticipate.proving.changed import ChangedFunction
from swe_sleep.anticipate.proving.hints import Hint
from swe_sleep.anticipate.proving.judge import Circumstances, Verdict, crashed, reachable, refused
from swe_sleep.anticipate.proving.replaying import Outcome, outcome_of
from swe_sleep.sandbox.protocol import Sandbox

SIBLINGS = ("describe", "mutants", "replay")
MOST_TESTS = 10
PER_TEST = 36
MOST = 260
TEST_S = 2.0

Edit = tuple[int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an assertion compared: its line in the variant, whether it held, the values."""

    line: int
    held: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """A test with other values in it."""

    test_id: str
    edits: tuple[Edit, ...]
    parameters: Mapping[str, str]
    """All of a parametrised test, as source."""
    text: str = ""
    was: str = ""
    same: bool = True
    """The new value is of the same kind as the old one."""
    guard: bool = False

    changed: Mapping[str, str] = field(default_factory=dict)
    """Of the parameters, those that are others."""

    @property
    def key(self) -> str:
        return repr((self.test_id, self.edits, sorted(self.parameters.items())))


@dataclass(frozen=True, slots=True)
class Told:
    """How a variant went; `outcome.state` is "passed" where nothing was raised."""

    outcome: Outcome
    seen: tuple[Seen, ...] = ()


class Varying:
    """Runs of variants in one sandbox, on whatever is in it at the time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def run(
        self,
        test_ids: Sequence[str],
        change: ChangedFunction,
        node: ast.AST,
        hints: Sequence[Hint],
        *,
        total_s: float,
        only: Sequence[Variant] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> dict[str, tuple[Variant, Told]]:
        """What came of each variant that reaches the function (`node` is it in this version), or
        of these variants alone."""
        if not test_ids:
            return {}
        plugged = Plugged(self._sandbox, "amplify", SIBLINGS)
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
        decorators = [d.lineno for d in getattr(node, "decorator_list", ())]
        plugged.plug(
            {
                "hints": [[hint.value, hint.guard] for hint in hints[:24]],
                "per_test": PER_TEST,
                "most": MOST,
                "edits": None if only is None else _by_test(only),
                "test_s": TEST_S,
                "total_s": total_s,
                "watch": {change.path: [[min([first, *decorators]), last]]},
            }
        )
        ids = list(test_ids)[:MOST_TESTS]
        plugged.run(ids, timeout_s=total_s + 20, test_timeout_s=60, strict=False, stop=stop)
        found = (_read(row) for row in plugged.rows())
        return {each[0].key: each for each in found if each is not None}


def _read(row: Mapping[str, Any]) -> tuple[Variant, Told] | None:
    try:
        mutant, told = row["mutant"], row["told"]
        variant = Variant(
            str(row["id"]),
            tuple((int(a), int(b), int(c), int(d), str(t)) for a, b, c, d, t in mutant["edits"]),
            {str(k): str(v) for k, v in {**mutant["all"], **mutant["params"]}.items()},
            str(mutant.get("text", "")),
            str(mutant.get("was", "")),
            bool(mutant.get("same", True)),
            bool(mutant.get("guard")),
            {str(k): str(v) for k, v in mutant["params"].items()},
        )
        seen = tuple(
            Seen(int(n), t is True, tuple(map(str, v))) for n, t, v in told.get("seen", ())
        )
        outcome = outcome_of(told)
    except (KeyError, TypeError, ValueError):
        return None
    return (variant, Told(outcome, seen)) if outcome is not None else None


def _by_test(only: Sequence[Variant]) -> dict[str, list[dict[str, Any]]]:
    """Variants as the plugin takes them; each test as it stands comes first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in only:
        group = found.setdefault(each.test_id, [{"edits": [], "params": {}, "first": True}])
        if each.text:
            more = {"text": each.text, "was": each.was, "same": each.same, "guard": each.guard}
            edits = [list(edit) for edit in each.edits]
            group.append({"edits": edits, "params": dict(each.changed), **more})
    return found


def doubtful(how: Told) -> bool:
    """Whether a variant went in a way on the new version that may be a fault."""
    return how.outcome.state != "passed" or not all(seen.held for seen in how.seen)


def judge_variant(
    variant: Variant,
    old: Told,
    new: Told,
    change: ChangedFunction,
    around: Circumstances,
) -> Verdict | None:
    """The fault that a variant shows; None where there is none, or where it may well be meant."""
    was, now = old.outcome, new.outcome
    meant = around.tests or around.told
    if not variant.text or (not variant.same and (not variant.guard or meant)):
        return None
    if not change.same_signature:
        return None  # whoever changed it knows
    if not meant and refused(was, now, change) and crashed(now, "", change):
        return Verdict("refusal", f"{now.error} (it was {was.error})", (now.type, "refusal"))
    if was.state != "passed":
        return None
    if now.state in ("slow", "died"):
        word = "does not come to an end" if now.state == "slow" else "ends the process"
        return Verdict("hang", word, (now.state,))
    if now.state == "raised" and crashed(now, "", change):
        return Verdict("crash", now.error, (now.type, *map(str, now.frames[-1][:2])))
    if meant or not variant.same:
        return None
    if now.state != "passed":
        return None
    broken = broken_assertions(old, new)
    if not broken:
        return None
    values = next(s.values for s in new.seen if s.line == broken[0] and not s.held)
    return Verdict("assertion", f"the test's assertion finds {values[0][:120]}", ("assertion",))


def broken_assertions(old: Told, new: Told) -> list[int]:
    """Lines of the assertions that all held, and of which some do not now."""
    held = {s.line for s in old.seen} - {s.line for s in old.seen if not s.held}
    return sorted({s.line for s in new.seen if not s.held and s.line in held})


def shows_private(node: ast.AST, change: ChangedFunction) -> bool:
    """Whether a test calls the function under a name that users do not."""
    if reachable(change.qualname):
        return False
    name = change.qualname.rpartition(".")[2]
    return any(
        getattr(n, "attr", getattr(n, "id", "")) == name
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute | ast.Name)
    )
