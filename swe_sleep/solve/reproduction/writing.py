"""From claims to the source of a pytest file, for each claim a test of it and a check of what the
text says is so today."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from swe_sleep.solve.reproduction.claims import Claim
from swe_sleep.solve.reproduction.names import Names, missing
from swe_sleep.solve.reproduction.parts import parse

_NAN = frozenset({"nan", "NaN", "NAN", "np.nan", "numpy.nan", "math.nan", "float('nan')"})
_FLOAT = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Written:
    """One claim as source: what its test needs at the top of the file, and the bodies of the test
    and of the check of what is so today ("" where the text does not say). `raises_from` is the
    first line of the test's body that may raise what the claim is about, counted from 0."""

    claim: Claim
    imports: tuple[str, ...]
    body: str
    today: str
    needs: tuple[str, ...] = ()
    """Fixtures."""


def written(claim: Claim, names: Names) -> Written | None:
    """None where a name of the code is not to be found anywhere."""
    setup = list(claim.setup)
    if claim.kind == "differs" or claim.kind == "value":
        setup = [step for step in setup if not _only_prints(step)]
    code = claim.code
    imports: list[str] = []
    for wanted in missing("\n".join((*setup, code))):
        if any(_binds(step, wanted.name) for step in claim.earlier):
            # With one name all that came before is needed: it may depend on it.
            setup = [s for s in claim.earlier if not _only_prints(s)] + setup
            break
    result = "" if claim.expected_is_text else claim.expected
    for wanted in missing("\n".join((*setup, code, result))):
        line = names.import_of(wanted)
        if not line:
            return None
        imports.append(line)
    stars = [step for step in setup if re.match(r"from\s+\S+\s+import\s+\*|from __future__", step)]
    setup = [step for step in setup if step not in stars]
    # What runs while a module is imported is no part of the test, so no place to look for a fault.
    first = list(takewhile(lambda step: re.match(r"(?:from|import)\s", step), setup))
    own = [step for step in first if names.has(step)]
    setup = [step for step in setup if step not in own]
    builder = _Builder(claim, setup)
    body = builder.body()
    if not body:
        return None
    return Written(
        claim,
        (*stars, *own, *imports),
        body,
        builder.today(),
        ("capsys",) if builder.captures else (),
    )


def source(
    items: Sequence[Written], *, today: bool, title: str = ""
) -> tuple[str, list[str], list[str]]:
    """A file with a test for each claim; its text, the tests' names, and the names of the checks
    of today ("" where there is none)."""
    imports = dict.fromkeys(line for item in items for line in item.imports)
    future = [line for line in imports if "__future__" in line]
    rest = [line for line in imports if line not in future]
    head = f'"""From the text of the issue: {_quotable(title)}"""' if title else ""
    blocks: list[str] = []
    tests: list[str] = []
    checks: list[str] = []
    uses_pytest = any("pytest." in item.body + (item.today if today else "") for item in items)
    if uses_pytest and "import pytest" not in rest:
        rest.insert(0, "import pytest")
    for number, item in enumerate(items, 1):
        name = f"test_as_the_issue_says_{number}" if len(items) > 1 else "test_as_the_issue_says"
        tests.append(name)
        blocks.append(_function(name, item.needs, item.body))
        check = f"{name}_today" if today and item.today else ""
        checks.append(check)
        if check:
            blocks.append(_function(check, item.needs, item.today))
    top = "\n\n".join(filter(None, (head, "\n".join(future), "\n".join(rest))))
    return "\n\n\n".join(filter(None, (top, *blocks))) + "\n", tests, checks


def _quotable(title: str) -> str:
    plain = re.sub(r"[^\x20-\x7e]", "?", title).replace("\\", "/").replace('"', "'")
    return textwrap.shorten(plain, 100, placeholder=" ...").rstrip(".") + "."


def _function(name: str, needs: Sequence[str], body: str) -> str:
    return f"def {name}({', '.join(needs)}):\n" + textwrap.indent(body, "    ")


def _binds(step: str, name: str) -> bool:
    """Whether a statement of the issue's own binds the name."""
    tree = parse(step)
    for node in tree.body if tree else ():
        for inner in ast.walk(node):
            match inner:
                case ast.Name(ctx=ast.Store()) if inner.id == name:
                    return True
                case ast.Import() | ast.ImportFrom():
                    if any((a.asname or a.name.partition(".")[0]) == name for a in inner.names):
                        return True
                case ast.FunctionDef() | ast.ClassDef() if inner.name == name:
                    return True
    return False


def _only_prints(step: str) -> bool:
    return bool(re.match(r"\s*p?print\(", step))


def plain(code: str) -> str:
    """The code as one that may be indented: with lines inside strings written out."""
    tree = parse(code)
    if tree is None:
        return code
    inside = any(
        isinstance(node, ast.Constant | ast.JoinedStr)
        and (node.end_lineno or node.lineno) > node.lineno
        for node in ast.walk(tree)
    )
    return ast.unparse(tree) if inside else code


class _Builder:
    def __init__(self, claim: Claim, setup: Iterable[str]) -> None:
        self.claim = claim
        self.setup = [plain(step) for step in setup]
        self.code = plain(claim.code)
        self.captures = claim.kind == "prints" or (
            claim.kind == "differs" and claim.expected_is_text
        )
        self.expression = _expression(claim.code)

    def body(self) -> str:
        """The test's source; "" where the claim can be no test."""
        claim = self.claim
        match claim.kind:
            case "assertion":
                return self._with(self.code)
            case "runs":
                return self._with(self.code)
            case "raises":
                error = "Exception" if not claim.expected.isidentifier() else claim.expected
                import builtins

                known = isinstance(getattr(builtins, error, None), type)
                return self._raising(error if known else "Exception", "" if known else error)
            case "prints":
                return self._with(
                    self.code, *_captured(), f"assert shown == {_lines(claim.expected)}"
                )
            case "differs" if self.captures:
                return self._with(
                    self.code, *_captured(), f"assert shown != {_lines(claim.actual)}"
                )
        if not self.expression:
            return ""
        if claim.kind == "differs":
            return self._with(
                f"result = {self.expression}", f"assert not ({_is(claim.actual, text=True)})"
            )
        return self._with(
            f"result = {self.expression}",
            f"assert {_is(claim.expected, text=claim.expected_is_text)}",
        )

    def today(self) -> str:
        """A test of what the text says is so today; "" where it says nothing that a run shows
        otherwise."""
        claim = self.claim
        if not claim.actual or claim.raised is not None:
            return ""
        if self.captures:
            return self._with(self.code, *_captured(), f"assert shown == {_lines(claim.actual)}")
        if not self.expression:
            return ""
        return self._with(f"result = {self.expression}", f"assert {_is(claim.actual, text=True)}")

    def _raising(self, error: str, name: str) -> str:
        lines = [*self.setup, self.code] if self.code else self.setup
        if not lines:
            return ""
        inner = textwrap.indent(lines[-1], "    ")
        check = [f"assert {name!r} in [kind.__name__ for kind in error.type.__mro__]"]
        caught = (
            f"with pytest.raises({error}) as error:" if name else f"with pytest.raises({error}):"
        )
        return "\n".join([*lines[:-1], f"{caught}\n{inner}", *(check if name else ())])

    def _with(self, *lines: str) -> str:
        return "\n".join(filter(None, (*self.setup, *lines)))


def _expression(code: str) -> str:
    tree = parse(code)
    if tree is None or len(tree.body) != 1:
        return ""
    node = tree.body[0]
    if isinstance(node, ast.Expr):
        return ast.unparse(node.value)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.value)
    return ""


def _captured() -> tuple[str, ...]:
    return ("shown = [line.rstrip() for line in capsys.readouterr().out.strip().splitlines()]",)


def _lines(text: str) -> str:
    return repr([line.rstrip() for line in text.strip().splitlines()])


def _is(value: str, *, text: bool) -> str:
    """The condition that `result` is a value as a person writes it."""
    value = value.strip()
    if value in _NAN:
        return "result != result"
    if value in ("True", "False", "None"):
        return f"result is {value}" if value == "None" else f"result == {value}"
    tree = parse(value)
    is_python = tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)
    if _FLOAT.fullmatch(value):
        places = len(value.partition("e")[0].partition(".")[2])
        return f"abs(result - {value}) <= {0.5001 * 10**-places:.4g} * max(1, {_scale(value)})"
    if is_python and _literal(value):
        return f"result == {value}"
    if is_python and not text:
        return f"result == {value}"
    said = " ".join(value.split())
    return f"{said!r} in (' '.join(repr(result).split()), ' '.join(str(result).split()))"


def _scale(value: str) -> str:
    _, exponent, power = value.partition("e")
    return f"1e{power}" if exponent else "1"


def _literal(value: str) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
