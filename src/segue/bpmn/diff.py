"""The semantic difference of two graphs: nodes, flows and settings that were added, removed or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from segue.bpmn.hashing import canonical
from segue.model.graph import Flow, ProcessGraph

_SHAPE = frozenset({"kind", "element", "name", "parent", "attached_to", "interrupting", "choices"})
"""The fields of a node that say what it is; all others are settings."""

_WHOLE = frozenset({"nodes", "flows"})


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field as plain data before and after; None where it does not exist."""

    field: str
    before: Any = None
    after: Any = None


class Item(Struct, frozen=True, kw_only=True):
    """A node or flow, by its id and the name people know it by."""

    id: str
    label: str


class ChangedItem(Struct, frozen=True, kw_only=True):
    """A node or flow that both graphs have, and what differs."""

    id: str
    label: str
    changes: tuple[FieldChange, ...]


class ItemDiff(Struct, frozen=True, kw_only=True):
    """What happened to nodes or to flows, ordered by id."""

    added: tuple[Item, ...] = ()
    removed: tuple[Item, ...] = ()
    changed: tuple[ChangedItem, ...] = ()


class Setting(Struct, frozen=True, kw_only=True):
    """A setting of a node that both graphs have. `field` is a path such as `action.worker`."""

    node: str
    label: str
    field: str
    before: Any = None
    after: Any = None


class SettingDiff(Struct, frozen=True, kw_only=True):
    """Settings that one of the graphs does not have, or that differ, ordered by node and field."""

    added: tuple[Setting, ...] = ()
    removed: tuple[Setting, ...] = ()
    changed: tuple[Setting, ...] = ()


class GraphDiff(Struct, frozen=True, kw_only=True):
    """Everything that differs between two graphs."""

    nodes: ItemDiff = ItemDiff()
    flows: ItemDiff = ItemDiff()
    settings: SettingDiff = SettingDiff()
    process: tuple[FieldChange, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs: exactly when the semantic hashes are equal."""
        return self == GraphDiff()


def diff(before: ProcessGraph, after: ProcessGraph) -> GraphDiff:
    """Return what has to be done to `before` to make it mean what `after` means."""
    old, new = canonical(before, defaults=True), canonical(after, defaults=True)
    labels = {node.id: node.label for node in (*before.nodes, *after.nodes)}
    flow_labels = {flow.id: _flow_label(flow, labels) for flow in (*before.flows, *after.flows)}
    return GraphDiff(
        nodes=_items(old["nodes"], new["nodes"], labels, _SHAPE),
        flows=_items(old["flows"], new["flows"], flow_labels, None),
        settings=_settings(old["nodes"], new["nodes"], labels),
        process=tuple(_changes(old, new, frozenset(old.keys() | new.keys()) - _WHOLE)),
    )


def _flow_label(flow: Flow, labels: Mapping[str, str]) -> str:
    ends = f"{labels.get(flow.source, flow.source)} → {labels.get(flow.target, flow.target)}"
    return f"{flow.name} ({ends})" if flow.name else ends


def _items(
    old: Mapping[str, Any], new: Mapping[str, Any], labels: Mapping[str, str], fields: frozenset[str] | None
) -> ItemDiff:
    changed = []
    for id_ in sorted(old.keys() & new.keys()):
        names = fields if fields is not None else frozenset(old[id_].keys() | new[id_].keys())
        changes = tuple(_changes(old[id_], new[id_], names))
        if changes:
            changed.append(ChangedItem(id=id_, label=labels[id_], changes=changes))
    return ItemDiff(
        added=tuple(Item(id=id_, label=labels[id_]) for id_ in sorted(new.keys() - old.keys())),
        removed=tuple(Item(id=id_, label=labels[id_]) for id_ in sorted(old.keys() - new.keys())),
        changed=tuple(changed),
    )


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], fields: frozenset[str]) -> Iterator[FieldChange]:
    for name in sorted(fields):
        if old.get(name) != new.get(name):
            yield FieldChange(field=name, before=old.get(name), after=new.get(name))


def _settings(old: Mapping[str, Any], new: Mapping[str, Any], labels: Mapping[str, str]) -> SettingDiff:
    found: list[Setting] = []
    for id_ in sorted(old.keys() & new.keys()):
        names = (old[id_].keys() | new[id_].keys()) - _SHAPE - {"id"}
        for name in sorted(names):
            for path, before, after in _leaves(name, old[id_].get(name) or None, new[id_].get(name) or None):
                found.append(Setting(node=id_, label=labels[id_], field=path, before=before, after=after))
    return SettingDiff(
        added=tuple(item for item in found if item.before is None),
        removed=tuple(item for item in found if item.after is None),
        changed=tuple(item for item in found if item.before is not None and item.after is not None),
    )


def _leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between two values; within structures that both have, field by field."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _leaves(f"{path}.{name}", before.get(name), after.get(name))
    else:
        yield path, before, after
