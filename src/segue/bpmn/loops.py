"""Loops in a directed graph."""

from __future__ import annotations

from collections.abc import Iterator


def loops_among(onward: dict[str, list[str]]) -> Iterator[frozenset[str]]:
    """Yield each set of nodes that reach one another and themselves (strongly connected, not a lone node).

    `onward` maps every node to those it leads to, all of them keys. R. Tarjan, "Depth-first search and linear graph
    algorithms", 1972, without recursion.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in sorted(onward):
        if root in order:
            continue
        work = [(root, iter(onward[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            step = next((target for target in rest if target not in order or target in on_stack), None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    yield from _component(node, stack, on_stack, onward)
            elif step in order:
                low[node] = min(low[node], order[step])
            else:
                order[step] = low[step] = len(order)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(onward[step])))


def _component(
    node: str, stack: list[str], on_stack: set[str], onward: dict[str, list[str]]
) -> Iterator[frozenset[str]]:
    """Take the component of `node` from the stack; yield it if it holds a loop."""
    found = set()
    while True:
        top = stack.pop()
        on_stack.discard(top)
        found.add(top)
        if top == node:
            break
    if len(found) > 1 or node in onward[node]:
        yield frozenset(found)
