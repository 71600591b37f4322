"""The graph over outlines: who imports whom, and which use of a name means which definition.

A name is looked up where its language would: in the file, among what the file imports (through
re-exports), then, where the language leaves it open, among all definitions of that name. A method
called on an unknown object may be any of its name, those of the file itself and of what it imports
first; n candidates weigh 1/n, and more than `MAX_CANDIDATES` count as none.

Only what a changed file touches is worked out again: its own links and edges, and the edges of
files that use a name it began or ceased to define.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from swe_sleep.index.outline import MODULE, Outline, Symbol, quadruples
from swe_sleep.index.resolve import Binding, Links, Resolver
from swe_sleep.records import Place

MAX_CANDIDATES = 12
_MAX_ASKED = 150
"""Files asked for one re-exported name."""
_OPEN_TO_ALL = frozenset({"c", "cpp", "ruby"})
"""Languages in which a bare name may come from a file that is not imported by name."""


class Definition(NamedTuple):
    """One symbol of one file."""

    path: str
    symbol: Symbol

    @property
    def place(self) -> Place:
        return Place(self.path, self.symbol.line, self.symbol.end_line)


class Use(NamedTuple):
    """A use of a symbol: `place` is the line of the first of `uses` within the symbol `within`
    ("" for module level). `weight` is 1 where the name can mean nothing else."""

    place: Place
    within: str
    uses: int
    call: bool
    weight: float


_Target = tuple[str, int]
_Asked = tuple[str, str]


class Graph:
    """See the module. `replace` keeps it current; everything else only asks."""

    def __init__(self, outlines: Mapping[str, Outline]) -> None:
        self._outlines = dict(outlines)
        self._top: dict[str, dict[str, list[int]]] = {}
        self._definitions: dict[str, list[_Target]] = {}
        self._users: dict[str, set[str]] | None = None
        self._links: dict[str, Links] = {}
        self._near: dict[str, frozenset[str]] = {}
        self._importers: dict[str, set[str]] | None = None
        self._exported: dict[tuple[str, str], tuple[_Target, ...]] = {}
        self._edges: dict[str, dict[str, float]] = {}
        self._resolver: Resolver | None = None
        for path, outline in self._outlines.items():
            self._define(path, outline)

    # keeping it current

    def replace(self, path: str, outline: Outline | None) -> None:
        """Puts a file's new outline in place of its old one; None takes the file away."""
        old = self._outlines.get(path)
        if old == outline:
            return
        before = {_key(s.name) for s in old.symbols} if old is not None else set()
        if old is not None:
            self._forget(path, old)
        if outline is None:
            del self._outlines[path]
        else:
            self._outlines[path] = outline
            self._define(path, outline)
            if self._users is not None:
                self._add_users(self._users, path, outline)
        self._exported.clear()
        self._edges.pop(path, None)
        after = {_key(s.name) for s in outline.symbols} if outline is not None else set()
        if old is None or outline is None or old.package != outline.package:
            self._resolver = None
            self._links.clear()
            self._near.clear()
            self._importers = None
            self._edges.clear()
            return
        self._relink(path)
        if old.exports != outline.exports or old.imports != outline.imports:
            self._drop_edges(self.importers_of(path))
        users = self._users
        if users is not None:
            for name in before ^ after:
                self._drop_edges(users.get(name, ()))
        elif before != after:
            self._edges.clear()

    def _relink(self, path: str) -> None:
        old = self._links.pop(path, None)
        self._near.pop(path, None)
        if self._importers is not None:
            for target in old.targets if old else ():
                self._importers.get(target, set()).discard(path)
            for target in self._linked(path).targets:
                self._importers.setdefault(target, set()).add(path)

    def _drop_edges(self, paths: Iterable[str]) -> None:
        for path in list(paths):
            self._edges.pop(path, None)

    def _define(self, path: str, outline: Outline) -> None:
        top: dict[str, list[int]] = {}
        definitions = self._definitions
        for index, symbol in enumerate(outline.symbols):
            name = _key(symbol.name)
            if symbol.parent == MODULE and symbol.qualname == symbol.name:
                top.setdefault(name, []).append(index)
            found = definitions.get(name)
            if found is None:
                definitions[name] = [(path, index)]
            else:
                found.append((path, index))
        self._top[path] = top

    def _forget(self, path: str, outline: Outline) -> None:
        del self._top[path]
        for name in {_key(symbol.name) for symbol in outline.symbols}:
            kept = [target for target in self._definitions[name] if target[0] != path]
            if kept:
                self._definitions[name] = kept
            else:
                del self._definitions[name]
        if self._users is not None:
            for token in outline.tokens:
                self._users.get(token.strip(".("), set()).discard(path)

    # what it knows

    def __contains__(self, path: str) -> bool:
        return path in self._outlines

    def __len__(self) -> int:
        return len(self._outlines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._outlines)

    def outline(self, path: str) -> Outline | None:
        return self._outlines.get(path)

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        outline = self._outlines.get(path)
        return outline.symbols if outline is not None else ()

    def symbol_at(self, path: str, line: int) -> Symbol | None:
        """The innermost symbol of the file whose range holds the line."""
        outline = self._outlines.get(path)
        return outline.symbol_at(line) if outline is not None else None

    def symbol(self, path: str, qualname: str) -> Symbol | None:
        """The last symbol with this qualified name (a later definition hides an earlier one)."""
        named = (s for s in reversed(self.symbols_in(path)) if s.qualname == qualname)
        return next(named, None)

    def definitions(self, name: str) -> tuple[Definition, ...]:
        """All symbols with this name; `name` may be qualified, such as `Class.method`."""
        found = (
            Definition(path, self._outlines[path].symbols[index])
            for path, index in self._definitions.get(_key(name.rpartition(".")[2]), ())
        )
        suffix = "." + name
        return tuple(d for d in found if ("." + d.symbol.qualname).endswith(suffix))

    def module_name(self, path: str) -> str:
        """The dotted name of a Python module, "" for other files."""
        return self._resolved().module_of.get(path, "")

    def modules(self) -> Mapping[str, str]:
        """Python module name -> path; a name that several paths could have goes to one."""
        return self._resolved().modules

    def entry_points(self) -> tuple[Place, ...]:
        """Where running a file starts: `__main__` blocks and main functions, and `__main__.py`."""
        return tuple(
            Place(path, outline.main_line or 1)
            for path, outline in self._outlines.items()
            if outline.main_line or path.endswith("__main__.py")
        )

    # imports

    def imports_of(self, path: str) -> tuple[str, ...]:
        """The files of the repository that a file imports."""
        return self._linked(path).targets if path in self._outlines else ()

    def importers_of(self, path: str, transitive: bool = False) -> frozenset[str]:
        """The files that import a file; with `transitive`, also those that import these."""
        reverse = self._reverse()
        direct = reverse.get(path, set())
        if not transitive:
            return frozenset(direct)
        seen: set[str] = set()
        waiting = list(direct)
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting.extend(reverse.get(at, ()))
        return frozenset(seen - {path})

    def _reverse(self) -> dict[str, set[str]]:
        if self._importers is None:
            self._importers = {}
            for path in self._outlines:
                for target in self._linked(path).targets:
                    self._importers.setdefault(target, set()).add(path)
        return self._importers

    def _resolved(self) -> Resolver:
        if self._resolver is None:
            self._resolver = Resolver(self._outlines)
        return self._resolver

    def _linked(self, path: str) -> Links:
        links = self._links.get(path)
        if links is None:
            links = self._links[path] = self._resolved().links(path, self._outlines[path])
        return links

    # references

    def resolve(self, path: str, name: str) -> tuple[Definition, ...]:
        """What a name written in a file means there: `name`, or dotted through an imported module
        or class, such as `module.Class.method`."""
        head, *rest = name.split(".")
        targets, _ = self._targets(path, head)
        if not targets:
            binding = self._linked(path).bindings.get(head) if path in self._outlines else None
            if binding and rest and not binding[1]:
                targets = self._follow((binding[0], rest.pop(0)))
        for part in rest:
            targets = tuple(
                (where, index)
                for where, owner in targets
                for index, symbol in enumerate(self._outlines[where].symbols)
                if symbol.parent == owner and symbol.name == part
            )
        return tuple(Definition(p, self._outlines[p].symbols[i]) for p, i in targets)

    def references_to(self, path: str, qualname: str) -> tuple[Use, ...]:
        """Where a symbol is used, the certain uses first."""
        outline = self._outlines.get(path)
        if outline is None:
            return ()
        wanted = {(path, i) for i, s in enumerate(outline.symbols) if s.qualname == qualname}
        if not wanted:
            return ()
        name = _key(next(outline.symbols[index].name for _, index in wanted))
        uses: list[Use] = []
        for user in self._using(name):
            uses.extend(self._uses_in(user, name, wanted))
        uses.sort(key=lambda use: (-use.weight, use.place))
        return tuple(uses)

    def callers(self, path: str, qualname: str) -> tuple[Definition, ...]:
        """The symbols that call a symbol, the certain ones first, each once."""
        found: dict[tuple[str, str], Definition] = {}
        for use in self.references_to(path, qualname):
            symbol = self.symbol(use.place.path, use.within) if use.call else None
            if symbol is not None:
                found.setdefault((use.place.path, use.within), Definition(use.place.path, symbol))
        return tuple(found.values())

    def _uses_in(self, user: str, name: str, wanted: set[_Target]) -> Iterator[Use]:
        outline = self._outlines[user]
        weights: dict[int, float] = {}
        names = self.names_in(user, name)
        for number, token in enumerate(outline.tokens):
            if token.strip(".(") in names:
                targets, weight = self._targets(user, token)
                if not wanted.isdisjoint(targets):
                    weights[number] = weight
        if not weights:
            return
        for owner, number, line, count in quadruples(outline.uses):
            if number in weights:
                within = outline.symbols[owner].qualname if owner != MODULE else ""
                call = outline.tokens[number].endswith("(")
                yield Use(Place(user, line), within, count, call, weights[number])

    def names_in(self, path: str, name: str) -> frozenset[str]:
        """What a definition called `name` may be called in a file: its name and the aliases."""
        bindings = self._linked(path).bindings
        return frozenset([name, *(here for here, (_, there) in bindings.items() if there == name)])

    def _using(self, name: str) -> Iterable[str]:
        if self._users is None:
            users: dict[str, set[str]] = {}
            for path, outline in self._outlines.items():
                self._add_users(users, path, outline)
            self._users = users
        return sorted(self._users.get(name, ()))

    @staticmethod
    def _add_users(users: dict[str, set[str]], path: str, outline: Outline) -> None:
        for token in outline.tokens:
            name = token.strip(".(")
            found = users.get(name)
            if found is None:
                users[name] = {path}
            else:
                found.add(path)

    def _targets(self, path: str, token: str) -> tuple[tuple[_Target, ...], float]:
        """What a token of a file can mean, and the weight of each."""
        if token[:1] == ".":
            return self._attribute(path, token.strip(".("))
        name = token.rstrip("(")
        own = self._top[path].get(name) if path in self._top else None
        if own:
            return tuple([(path, index) for index in own]), 1.0
        if path not in self._outlines:
            return (), 0.0
        links = self._linked(path)
        binding = links.bindings.get(name)
        if binding is not None:
            return self._follow(binding), 1.0
        candidates = self._definitions.get(name)
        if candidates is None:
            return (), 0.0
        if self._outlines[path].language in _OPEN_TO_ALL:
            return self._anywhere(path, candidates)
        for star in links.stars:
            found = self._follow(((star,), name))
            if found:
                return found, 1.0
        return self._nested(path, candidates)

    def _nested(self, path: str, candidates: list[_Target]) -> tuple[tuple[_Target, ...], float]:
        """A definition inside a function or class of the same file."""
        local = tuple([target for target in candidates if target[0] == path])
        return local, 1.0 / max(len(local), 1)

    def _anywhere(self, path: str, candidates: list[_Target]) -> tuple[tuple[_Target, ...], float]:
        """Of the file itself, else of what it includes, else of any file."""
        local = [target for target in candidates if target[0] == path]
        if not local:
            near = self._nearby(path)
            local = [target for target in candidates if target[0] in near]
        if not local and len(candidates) <= MAX_CANDIDATES:
            language = self._outlines[path].language
            local = [t for t in candidates if _kin(self._outlines[t[0]].language, language)]
        if len(local) > MAX_CANDIDATES:
            return (), 0.0
        return tuple(local), 1.0 / max(len(local), 1)

    def _attribute(self, path: str, name: str) -> tuple[tuple[_Target, ...], float]:
        candidates = self._definitions.get(name)
        if candidates is None or path not in self._outlines:
            return (), 0.0
        near = self._nearby(path)
        close = [target for target in candidates if target[0] in near]
        chosen = close or candidates
        if len(chosen) > MAX_CANDIDATES:
            return (), 0.0
        if not close:
            language = self._outlines[path].language
            chosen = [t for t in chosen if _kin(self._outlines[t[0]].language, language)]
        return tuple(chosen), 1.0 / max(len(chosen), 1)

    def _nearby(self, path: str) -> frozenset[str]:
        near = self._near.get(path)
        if near is None:
            links = self._linked(path)
            near = self._near[path] = frozenset({path, *links.targets, *links.stars})
        return near

    def _follow(self, binding: Binding, seen: set[_Asked] | None = None) -> tuple[_Target, ...]:
        """The definitions behind an imported name, through re-exports; each file is asked once."""
        paths, name = binding
        if not name:
            return ()
        found: list[_Target] = []
        for path in paths:
            key = (path, name)
            known = self._exported.get(key)
            if known is None:
                if seen is not None and (key in seen or len(seen) > _MAX_ASKED):
                    continue
                inner = {key} if seen is None else seen
                inner.add(key)
                known = self._lookup(path, name, inner)
                if seen is None or known:  # nothing found may only mean a circle was cut
                    self._exported[key] = known
            found.extend(known)
        return tuple(found)

    def _lookup(self, path: str, name: str, seen: set[_Asked]) -> tuple[_Target, ...]:
        if path not in self._top:
            return ()
        own = self._top[path].get(name)
        if own:
            return tuple([(path, index) for index in own])
        links = self._linked(path)
        binding = links.bindings.get(name)
        if binding is not None:
            return self._follow(binding, seen)
        for star in links.stars:
            found = self._follow(((star,), name), seen)
            if found:
                return found
        return ()

    # ranking

    def edges(self, path: str) -> Mapping[str, float]:
        """The other files a file's names lead to, with the weight of all its uses of them."""
        known = self._edges.get(path)
        if known is None:
            known = self._edges[path] = self._weigh(path)
        return known

    def _weigh(self, path: str) -> dict[str, float]:
        weights: dict[str, float] = {}
        targets_of = self._targets
        for target in self._linked(path).targets:
            weights[target] = 0.5  # an import alone is some dependence
        for token in self._outlines[path].tokens:
            targets, weight = targets_of(path, token)
            for target, _ in targets:
                if target != path:
                    weights[target] = weights.get(target, 0.0) + weight
        return weights

    def rank(self, personal: Mapping[str, float] | None = None) -> dict[str, float]:
        """PageRank of the files over their edges (Page et al., 1999); with `personal`, the walk
        starts over at these files in proportion. The ranks sum to 1."""
        import rustworkx

        paths = list(self._outlines)
        if not paths:
            return {}
        index = {path: number for number, path in enumerate(paths)}
        graph: rustworkx.PyDiGraph[int, float] = rustworkx.PyDiGraph()
        graph.add_nodes_from(range(len(paths)))
        graph.add_edges_from(
            [
                (number, index[target], weight)
                for number, path in enumerate(paths)
                for target, weight in self.edges(path).items()
            ]
        )
        start = None
        if personal is not None:
            start = {index[p]: w for p, w in personal.items() if p in index and w > 0} or None
        ranks = rustworkx.pagerank(
            graph, alpha=0.85, weight_fn=float, personalization=start, tol=1e-8, max_iter=200
        )
        return {path: ranks[number] for path, number in index.items()}


def _key(name: str) -> str:
    """A name as uses of it are found: Ruby's marks at the end are not part of a word."""
    return name.rstrip("?!=") if name[-1:] in ("?", "!", "=") else name


def _kin(one: str, other: str) -> bool:
    return one == other or {one, other} in _FAMILIES


_FAMILIES = (
    {"c", "cpp"},
    {"javascript", "typescript"},
    {"javascript", "tsx"},
    {"typescript", "tsx"},
)
