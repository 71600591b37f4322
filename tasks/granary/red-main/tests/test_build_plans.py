import random

import pytest

from granary import CycleError, Graph


def graph_of(nodes, edges):
    graph = Graph()
    for node in nodes:
        graph.add_node(node)
    for tail, head in edges:
        graph.add_edge(tail, head)
    return graph


def test_independent_nodes():
    assert graph_of("dcab", []).topological_order() == ["d", "c", "a", "b"]


def test_node_that_becomes_free_on_the_way():
    assert graph_of("abcd", ["ba"]).topological_order() == ["b", "a", "c", "d"]
    assert graph_of("abcde", ["da", "ec"]).topological_order() == ["b", "d", "a", "e", "c"]


def test_every_choice():
    dice = random.Random(3)
    nodes = list(range(30))
    for _ in range(20):
        rank = dice.sample(nodes, len(nodes))
        edges = [(a, b) for a, b in (dice.sample(nodes, 2) for _ in range(40)) if rank[a] < rank[b]]
        rest, plan = dict.fromkeys(nodes), []
        while rest:
            node = next(n for n in rest if not any(h == n and t in rest for t, h in edges))
            plan.append(node)
            del rest[node]
        assert graph_of(nodes, edges).topological_order() == plan


def test_cycles_are_still_found():
    with pytest.raises(CycleError):
        graph_of("abc", ["ab", "ba"]).topological_order()
