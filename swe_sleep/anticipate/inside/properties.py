"""What must hold of a function or a class, whatever fitting values it is given."""

from __future__ import annotations

import copy
import importlib
import time
import traceback
from typing import Any

_BESIDE = "swe_sleep.anticipate.inside." if __package__ else "_swe_sleep_hunt_"
crashes: Any = importlib.import_module(_BESIDE + "crashes")
guarding: Any = importlib.import_module(_BESIDE + "guarding")
LEAST = 2
"""Known calls for which a property must hold before it counts as meant."""
_TOLD = 160
QUICK = 50
"""What hangs is so many times slower than the other calls, at least."""


def _plain(value: Any) -> bool:
    return isinstance(value, (str, bytes, int))


class Broken:
    """A property that does not hold for one call."""

    def __init__(
        self, kind: str, message: str, frames: Any = (), statement: str = "", call: Any = None
    ) -> None:
        self.kind, self.message = kind, message
        self.call = call  # another one than was drawn
        self.frames, self.statement = list(frames), statement

    @property
    def key(self) -> Any:
        return (self.kind, *(self.frames[-1][:2] if self.frames else ()))


class NotSo(Exception):
    """The call can not be judged: it was refused, or what it gives can not be compared."""


class Property:
    """`holds` tells; the rest is the same for all."""

    name = ""

    def __init__(self, exercise: Any, target: Any, other: str = "") -> None:
        self.exercise, self.target, self.other = exercise, target, other
        self.slowest = 0.0
        self.held = False

    def failure(self, call: Any) -> Any:
        """None where it holds or can not be judged."""
        guard = self.exercise.guard
        began = time.process_time()
        try:
            with guard:
                failure = self.judge(call)
            self.slowest = max(self.slowest, time.process_time() - began)
            return failure
        except guarding.Hung as hung:
            return self._hung(hung, call)
        except (guarding.Touched, MemoryError, KeyboardInterrupt, SystemExit):
            guard.touched = guard.touched or "it ended the process, or took all memory"
            return None
        except NotSo:
            return None
        except Exception:
            return None

    def judge(self, call: Any) -> Any:
        raise NotSo

    def _hung(self, error: BaseException, call: Any) -> Any:
        if not 0 < self.slowest * QUICK < self.exercise.guard.call_s:
            return None  # it is slow, or nothing else was tried yet
        files = self.exercise.files
        frames = []
        for frame, line in traceback.walk_tb(error.__traceback__):
            path = files.relative(frame.f_code.co_filename)
            if path:
                frames.append((path, line, frame.f_code.co_name))
        message = "it did not end in %s s" % self.exercise.job["call_s"]
        return Broken("hang", message, frames[-12:]) if frames else None

    def holds_for_examples(self) -> bool:
        held = 0
        for call in self.target.calls:
            guard = self.exercise.guard
            try:
                with guard:
                    if self.judge(call) is not None:
                        return False
                held += 1
            except guarding.Touched:
                return False
            except (guarding.Hung, Exception):
                continue
        self.held = held >= self.least
        return self.held

    least = LEAST


class Crashing(Property):
    """No call that fits ends in an error that nobody meant."""

    name = "crash"
    least = 0

    def judge(self, call: Any) -> Any:
        target = self.target
        receiver, arguments, keywords = target.values(call)
        lazy = False
        try:
            given = target.function(receiver)(*arguments, **keywords)
            lazy = True
            target.take(given)
        except MemoryError:
            raise
        except Exception as error:
            names = [p.name for p in target.parameters]
            crash = crashes.crash_of(error, self.exercise.files, target.prefix, names)
            if crash is None or crash.kind in self.exercise.job["expected"]:
                raise NotSo from None
            _, arguments, keywords = target.values(call)  # the call may have changed them
            if crashes.natural(crash, [*arguments, *keywords.values()]):
                raise NotSo from None
            crash.lazy = lazy
            return crash
        return None


class RoundTrip(Property):
    """What one function makes, the other takes back."""

    name = "round trip"

    def judge(self, call: Any) -> Any:
        target = self.target
        receiver, arguments, keywords = target.values(call)
        if len(arguments) != 1 or keywords:
            raise NotSo
        there = target.take(target.function(receiver)(*arguments))
        broken = self._comes_back(call, there)
        if (
            self.held
            and broken is None
            and type(there) is type(target.values(call)[1][0])
            and _plain(there)
        ):
            # what was made already is what most often does not come back
            call = dict(call, arguments=[repr(there)])
            receiver, arguments, _ = target.values(call)
            broken = self._comes_back(call, target.function(receiver)(*arguments))
        return broken

    def _comes_back(self, call: Any, there: Any) -> Any:
        receiver, again, _ = self.target.values(call)
        back = self.target.function(receiver, self.other)(copy.deepcopy(there))
        if type(back) is not type(again[0]):
            raise NotSo
        if back == again[0]:
            return None
        return Broken("round trip", "gives %s" % repr(back)[:_TOLD], call=call)


class Idempotent(Property):
    """What was made so already stays as it is."""

    name = "idempotence"

    def judge(self, call: Any) -> Any:
        target = self.target
        receiver, arguments, keywords = target.values(call)
        if not arguments:
            raise NotSo
        once = target.function(receiver)(*arguments, **keywords)
        if type(once) is not type(target.values(call)[1][0]):
            raise NotSo
        receiver, arguments, keywords = target.values(call)
        twice = target.function(receiver)(copy.deepcopy(once), *arguments[1:], **keywords)
        if once == twice:
            return None
        return Broken("idempotence", "%s becomes %s" % (repr(once)[:_TOLD], repr(twice)[:_TOLD]))


class Agreeing(Property):
    """A function and its sibling give the same."""

    name = "agreement"

    def judge(self, call: Any) -> Any:
        target = self.target
        receiver, arguments, keywords = target.values(call)
        mine = target.function(receiver)(*arguments, **keywords)
        receiver, arguments, keywords = target.values(call)
        other = target.function(receiver, self.other)(*arguments, **keywords)
        one, two = target.take(mine), target.take(other)
        if isinstance(one, tuple) != isinstance(two, tuple):
            one, two = list(one), list(two)
        if one == two:
            return None
        return Broken("agreement", "%s and %s" % (repr(one)[:_TOLD], repr(two)[:_TOLD]))


class Sound(Property):
    """An object of the class agrees with itself: `other` says in what."""

    name = "protocol"

    def judge(self, call: Any) -> Any:
        target = self.target
        _, arguments, keywords = target.values(call)
        made = target.object(*arguments, **keywords)
        try:
            said = self._said(made, call)
        except Exception as error:
            crash = crashes.crash_of(error, self.exercise.files, target.prefix, [])
            if crash is None:
                raise NotSo from None
            return crash
        return Broken("protocol", said) if said else None

    def _said(self, made: Any, call: Any) -> str:
        target = self.target
        if self.other == "repr":
            repr(made), str(made)
        if self.other == "eq":
            _, arguments, keywords = target.values(call)
            twin = target.object(*arguments, **keywords)
            if not made == twin:  # noqa: SIM201
                return "two that are made alike are not equal"
            if made != twin:
                return "two that are made alike are equal and unequal"
            if type(made).__hash__ is not None and hash(made) != hash(twin):
                return "two that are equal have different hashes"
        if self.other == "copy" and not copy.copy(made) == made:  # noqa: SIM201
            return "its copy is not equal to it"
        if self.other == "deepcopy" and not copy.deepcopy(made) == made:  # noqa: SIM201
            return "its deep copy is not equal to it"
        if self.other == "len" and len(made) != len(list(made)):
            return "its length is %d, but it holds %d" % (len(made), len(list(made)))
        if self.other == "contains":
            for item in list(made)[:20]:
                if item not in made and item == item:
                    return "it gives %r, and says that it does not hold it" % (item,)
        return ""


KINDS = {
    "crash": Crashing,
    "round trip": RoundTrip,
    "idempotence": Idempotent,
    "agreement": Agreeing,
    "protocol": Sound,
}


def properties(exercise: Any, target: Any) -> Any:
    return [
        KINDS[each["kind"]](exercise, target, each.get("other", ""))
        for each in exercise.job["properties"]
    ]
