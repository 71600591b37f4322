"""Whether a difference between two versions shows a fault, or only a change.

A change of behaviour is what most commits are for. It counts as a fault only where the new version
fails in a way that nobody means, on an input that a user could pass and that the old one took; or
where something else says which of the two is right.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

from swe_sleep.anticipate.proving.changed import ChangedFunction
from swe_sleep.anticipate.proving.inputs import MILD, OTHER, SEEN, Candidate
from swe_sleep.anticipate.proving.replaying import Outcome

CRASHES = frozenset(
    ("AttributeError", "TypeError", "KeyError", "IndexError", "UnboundLocalError", "NameError",
     "RecursionError", "ZeroDivisionError", "UnicodeDecodeError", "UnicodeEncodeError",
     "AssertionError", "StopIteration", "OverflowError")
)  # fmt: skip
LOOK_UPS = frozenset(
    ("__getitem__", "__delitem__", "__next__", "pop", "popitem", "popleft", "remove", "index",
     "get", "next")
)  # fmt: skip
SIMPLE = frozenset(("str", "int", "bool", "list", "dict", "tuple", "bytes", "float", "set"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a difference is a fault. `kind` is crash, hang, refusal, annotation, documented,
    lost, or for a variant of a test, assertion."""

    kind: str
    symptom: str
    key: tuple[str, ...]
    """Differences with one key are one fault."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else the change holds."""

    tests: bool = False
    """Tests changed too: their author has looked at what the code does."""
    told: bool = False
    """Documentation or the list of changes changed too."""


def judge(
    candidate: Candidate,
    old: Outcome,
    new: Outcome,
    change: ChangedFunction,
    around: Circumstances,
    valued: Collection[tuple[str, str]] = (),
) -> Verdict | None:
    """The fault that a difference shows; None where it may well be meant. `valued` are functions
    (path, qualified name) that gave a value for every input before the change."""
    call = candidate.call
    if not reachable(call.qualname):
        return None
    own = (call.path, call.qualname) == (change.path, change.qualname)
    if own and not change.same_signature:
        return None  # whoever changed it knows
    if candidate.want and old.state == "returned" and not around.told:
        verdict = _documented(candidate, old, new)
        if verdict is not None:
            return verdict
    if not _mild(candidate, around):
        return None
    if new.state in ("slow", "died") and old.state == "returned":
        word = "does not come to an end" if new.state == "slow" else "ends the process"
        return Verdict("hang", word, (new.state,))
    if new.state == "raised" and crashed(new, call.qualname, change):
        odd = candidate.odd and not candidate.guard  # nobody ever said that it takes such a thing
        if old.state == "returned" and not odd and (_sensible(old) or candidate.distance == SEEN):
            return Verdict("crash", new.error, _key(new))
        if refused(old, new, change) and not around.tests:
            return Verdict("refusal", f"{new.error} (it was {old.error})", _key(new))
    if old.state != "returned" or new.state != "returned":
        return None
    verdict = _annotated(old, new, change) if own else None
    if verdict is None and not around.tests and not around.told:
        return _lost(candidate, old, new, change, valued)
    return verdict


def refused(old: Outcome, new: Outcome, change: ChangedFunction) -> bool:
    """Whether what was an error of the code's own choice is a crash, now that its `raise` went."""
    if old.state != "raised" or not (old.deliberate or old.ours) or not old.frames:
        return False
    path, line, _ = old.frames[-1]
    named = path == change.path and line in change.removed
    return named and new.state == "raised" and not crashed(old, "", change)


def reachable(qualname: str) -> bool:
    """Whether a user can be expected to call it."""
    return not any(
        part.startswith("_") and not (part.startswith("__") and part.endswith("__"))
        for part in qualname.split(".")
    )


def _mild(candidate: Candidate, around: Circumstances) -> bool:
    if candidate.distance <= MILD:
        return True
    stands = candidate.guard and candidate.distance == OTHER
    return stands and not around.tests and not around.told


def _sensible(old: Outcome) -> bool:
    return old.type not in ("NoneType", "NotImplementedType")


def crashed(outcome: Outcome, qualname: str, change: ChangedFunction) -> bool:
    """Whether an exception is one that nobody means, raised on the way through the change."""
    if outcome.ours or outcome.deliberate or not outcome.frames:
        return False
    if not CRASHES.intersection(outcome.types) and not handled(change).intersection(outcome.types):
        return False
    if outcome.type in ("Failed", "Skipped"):
        return False  # of pytest
    if qualname.rpartition(".")[2] in LOOK_UPS and {"LookupError", "StopIteration"}.intersection(
        outcome.types
    ):
        return False
    first, last = change.span
    return any(path == change.path and first <= line <= last for path, line, _ in outcome.frames)


def handled(change: ChangedFunction) -> frozenset[str]:
    """Exceptions that the function caught before, in handlers that are gone."""
    found: set[str] = set()
    for node in ast.walk(change.old):
        if isinstance(node, ast.ExceptHandler) and node.lineno in change.removed and node.type:
            found |= {
                n.attr if isinstance(n, ast.Attribute) else getattr(n, "id", "")
                for n in ast.walk(node.type)
            }
    return frozenset(found) - {"", "Exception", "BaseException"}


def _key(outcome: Outcome) -> tuple[str, ...]:
    path, line, _ = outcome.frames[-1]
    return (outcome.type, path, str(line))


def _documented(candidate: Candidate, old: Outcome, new: Outcome) -> Verdict | None:
    """A docstring's example that held, and does not any more."""
    if " ".join(old.shown.split()) != candidate.want:
        return None
    if new.state == "returned" and " ".join(new.shown.split()) == candidate.want:
        return None
    got = new.shown if new.state == "returned" else new.error or new.state
    return Verdict(
        "documented", f"gives {got}, where its docstring says {candidate.want}", ("doc",)
    )


def _lost(
    candidate: Candidate,
    old: Outcome,
    new: Outcome,
    change: ChangedFunction,
    valued: Collection[tuple[str, str]],
) -> Verdict | None:
    """Nothing where there always was a value: a `return` that is missing on one way."""
    if new.type != "NoneType" or not _sensible(old) or candidate.odd or candidate.distance > MILD:
        return None
    hints = (change.old.returns, change.new.returns)
    before, after = (ast.dump(hint) if hint else "" for hint in hints)
    if before != after or (candidate.call.path, candidate.call.qualname) not in valued:
        return None
    if any(isinstance(node, ast.Return) and _is_none(node.value) for node in ast.walk(change.new)):
        return None  # somebody wrote that nothing comes back
    return Verdict("lost", f"returns None, where it gave {old.shown[:100]}", ("lost",))


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _annotated(old: Outcome, new: Outcome, change: ChangedFunction) -> Verdict | None:
    """A value that is not of the type that the function says it returns, and was before."""
    hint = change.new.returns
    if hint is None or change.old.returns is None:
        return None
    word = ast.unparse(hint).strip("'\"")
    if word not in SIMPLE or ast.unparse(change.old.returns).strip("'\"") != word:
        return None
    fits = {word, "int"} if word == "float" else {word}
    if not fits.intersection(old.types) or fits.intersection(new.types):
        return None
    what = "None" if new.type == "NoneType" else f"{new.shown} ({new.type})"
    return Verdict("annotation", f"returns {what}, and says that it returns {word}", ("type",))
