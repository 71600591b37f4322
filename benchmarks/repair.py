"""How well the built-in solver mends seeded faults of a library.

    python benchmarks/repair.py [FOLDER] [--faults 20] [--seed 1] [--seconds 20] [--only PATH]

Puts one fault at a time into a sandbox's copy of FOLDER (a git repository whose tests run; by
default the demo's), searches, and prints a table. The faults are made here, on the tree, by code
that shares nothing with the solver's templates. Numbers are for development: a solver must not be
fitted to one library.
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import statistics
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.demo import stage
from swe_sleep.records import TestRun
from swe_sleep.repair.search import Budget, Found, Repair
from swe_sleep.repair.validation import SandboxValidator
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.warm import WarmTests

COMPARE = [
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
    ast.Is,
    ast.IsNot,
    ast.In,
    ast.NotIn,
]
ARITHMETIC = [ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod]
ERRORS = ["KeyError", "ValueError", "TypeError", "IndexError", "AttributeError"]


Row = tuple[str, Found, bool, bool]
"""The line to print, the search, and whether the best patch, or any, equals the original."""


@dataclass(frozen=True)
class Fault:
    path: str
    line: int
    kind: str
    text: bytes


def slips(node: ast.AST, names: list[str], rng: random.Random) -> Iterator[tuple[str, ast.AST]]:
    """Wrong versions of one node."""
    wrong = copy.deepcopy(node)
    match wrong:
        case ast.Compare(ops=[op]):
            others = [o for o in COMPARE if o is not type(op)]
            near = others if isinstance(op, (ast.In, ast.NotIn)) else others[:8]
            wrong.ops = [rng.choice(near)()]
            yield "comparison", wrong
        case ast.BoolOp(values=values):
            if rng.random() < 0.5:
                wrong.op = ast.Or() if isinstance(wrong.op, ast.And) else ast.And()
                yield "and/or", wrong
            else:
                values.pop(rng.randrange(len(values)))
                yield "lost condition", values[0] if len(values) == 1 else wrong
        case ast.BinOp(op=op, left=left) if not isinstance(left, (ast.Constant, ast.JoinedStr)):
            wrong.op = rng.choice([o for o in ARITHMETIC if o is not type(op)])()
            yield "arithmetic", wrong
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "lost not", operand
        case ast.Constant(value=bool() as value):
            yield "truth", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "number", ast.Constant(value + rng.choice([1, -1, 1 + value]))
        case ast.Constant(value=None):
            yield "None", ast.parse(rng.choice(["False", "0", "''"]), mode="eval").body
        case ast.Name(ctx=ast.Load(), id=name) if len(set(names) - {name}) > 0:
            yield "name", ast.Name(rng.choice(sorted(set(names) - {name})), ast.Load())
        case ast.Call(args=[one, other, *_]):
            wrong.args[:2] = [other, one]
            yield "argument order", wrong
        case ast.Call(keywords=[_, *_]):
            wrong.keywords.pop(rng.randrange(len(wrong.keywords)))
            yield "lost keyword", wrong
        case ast.Call(func=ast.Name(), args=[argument], keywords=[]):
            yield "lost call", argument
        case ast.Call(func=ast.Attribute(value=value), args=[]):
            yield "lost method", value
        case ast.Slice(lower=lower, upper=upper):
            wrong.lower, wrong.upper = upper, lower
            yield "slice", wrong
        case ast.IfExp(body=body, orelse=orelse):
            wrong.body, wrong.orelse = orelse, body
            yield "branches", wrong
        case ast.If(test=test, orelse=[]) if rng.random() < 0.5:
            wrong.test = ast.UnaryOp(ast.Not(), test)
            yield "condition", wrong
        case ast.If(body=body, orelse=[]):
            yield "lost guard", ast.Pass() if rng.random() < 0.5 else body[0]
        case ast.Assign() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield "lost statement", ast.Pass()
        case ast.Return(value=ast.expr()):
            yield "lost return", ast.Return(None)
        case ast.Raise(exc=ast.Call(func=ast.Name()) as raised):
            raised.func = ast.Name(rng.choice(ERRORS), ast.Load())
            yield "exception", wrong
        case ast.ExceptHandler(type=ast.Name()):
            wrong.type = ast.Name(rng.choice(ERRORS), ast.Load())
            yield "exception", wrong
        case ast.Break():
            yield "jump", ast.Continue()
        case ast.Continue():
            yield "jump", ast.Break()


def seed_faults(path: str, text: bytes, rng: random.Random) -> list[Fault]:
    """Every fault of one file, in random order, as whole new texts."""
    tree = ast.parse(text)
    lines = text.decode().splitlines(keepends=True)
    found = []
    for function in [
        n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]:
        names = [a.arg for a in function.args.args]
        names += [
            n.id
            for n in ast.walk(function)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        ]
        for node in [n for s in function.body for n in ast.walk(s) if hasattr(n, "end_lineno")]:
            for kind, wrong in slips(node, names, rng):
                new = written(lines, node, wrong)
                if new is not None and ast.dump(ast.parse(new)) != ast.dump(tree):
                    found.append(Fault(path, getattr(node, "lineno", 0), kind, new))
    rng.shuffle(found)
    return found


def written(lines: list[str], node: ast.AST, wrong: ast.AST) -> bytes | None:
    """The file with one node's text replaced; whole lines go with a lost statement."""
    begin, end = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
    low = len(lines[begin].encode()[: node.col_offset].decode())  # type: ignore[attr-defined]
    high = len(lines[end].encode()[: node.end_col_offset].decode())  # type: ignore[attr-defined]
    head, tail = (
        "".join(lines[:begin]) + lines[begin][:low],
        lines[end][high:] + "".join(lines[end + 1 :]),
    )
    text = ast.unparse(ast.fix_missing_locations(wrong)).replace("\n", "\n" + " " * low)
    tries = [f"{head}{text}{tail}", f"{head}({text}){tail}"]
    if isinstance(wrong, ast.Pass):
        tries.insert(0, head[: len(head) - low] + tail.lstrip("\r\n"))
    for new in tries:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(new, "<fault>", "exec")
            except (SyntaxError, ValueError):
                continue
        return new.encode()
    return None


def same(one: bytes, other: bytes) -> bool:
    def shape(text: bytes) -> str:
        return ast.dump(ast.parse(text))

    return shape(one) == shape(other)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", default="", help="files below this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="swe-sleep-bench-") as temporary:
        folder = arguments.folder or stage.set_up(Path(temporary))
        with Repository.open(folder) as repository:
            measure(repository, arguments)


def measure(repository: Repository, arguments: argparse.Namespace) -> None:
    rng = random.Random(arguments.seed)
    snapshot = repository.snapshot()
    sources = {p: snapshot.read(p) for p in snapshot.files if p.endswith(".py")}
    targets = [p for p in sources if p.startswith(arguments.only) and "test" not in p]
    backend = LocalBackend()
    environment = backend.prepare(snapshot, progress=print)
    with backend.open(snapshot, environment) as sandbox, WarmTests(Tests(sandbox)) as warm:
        clean = run(warm.tests, None, True)
        print(f"{len(clean.passed)} tests pass, {len(clean.bad)} do not; {clean.problem}")
        faults = [f for p in targets for f in seed_faults(p, sources[p], rng)]
        rng.shuffle(faults)
        rows: list[Row] = []
        for fault in faults:
            if len(rows) >= arguments.faults:
                break
            row = trial(fault, sources, warm, clean, arguments.seconds)
            if row is not None:
                rows.append(row)
                print(row[0])
        totals(rows)


def run(tests: Tests, ids: list[str] | None, coverage: bool) -> TestRun:
    return tests.run(ids, timeout_s=300, test_timeout_s=20, coverage=coverage)


def trial(
    fault: Fault, sources: Mapping[str, bytes], warm: WarmTests, clean: TestRun, seconds: float
) -> Row | None:
    files = {**sources, fault.path: fault.text}
    sandbox = warm.tests.sandbox
    sandbox.put({fault.path: fault.text})
    try:
        broken = run(warm.tests, sorted(clean.passed), True)
        failing = [r for r in broken.results if r.test_id in clean.passed and r.outcome.bad]
        if not failing or len(failing) > len(clean.passed) / 3:
            return None
        found = Repair(SandboxValidator(warm)).search(
            files,
            failing[:3],
            sorted(broken.passed),
            coverage=broken.coverage,
            budget=Budget(seconds=seconds),
        )
    finally:
        sandbox.put({fault.path: sources[fault.path]})
    equal = [
        same(p.files.get(fault.path, fault.text), sources[fault.path]) for p in found.plausible
    ]
    first, some = bool(equal and equal[0]), any(equal)
    said = found.best.patch.summary if found.best else "-"
    row = (
        f"{fault.path}:{fault.line:<5}{fault.kind:16}{len(failing):3} failing "
        f"{len(found.plausible)} plausible "
        f"{'EQUAL' if first else 'among' if some else '-':6}{found.usage.candidates:5} candidates "
        f"{found.usage.wall_s:6.1f} s  {found.ended:10} {said}"
    )
    return row, found, first, some


def totals(rows: list[Row]) -> None:
    count = max(1, len(rows))
    usages = [row[1].usage for row in rows]
    tried, wall = sum(u.candidates for u in usages), sum(u.wall_s for u in usages)
    print(f"\n{len(rows)} faults")
    print(f"plausible             {sum(bool(r[1].plausible) for r in rows) / count:.0%}")
    print(f"best equals original  {sum(r[2] for r in rows) / count:.0%}")
    print(f"any equals original   {sum(r[3] for r in rows) / count:.0%}")
    print(f"median seconds        {statistics.median(u.wall_s for u in usages):.1f}")
    print(f"candidates a second   {tried / max(wall, 0.001):.0f}")
    print(f"ended                 {dict(Counter(r[1].ended for r in rows))}")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s in all")
