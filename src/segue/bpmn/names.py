"""Namespaces and names of BPMN elements. Nothing here looks at a prefix: tools choose them freely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SEGUE = "https://segue.dev/bpmn/1"
PIPES = "http://www.omg.org/spec/Pipes/20100524/MODEL"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
# External tasks are the same idea in Camunda 7, its fork Operaton, and Flowable.
EXTERNAL_TASK = (
    "http://camunda.org/schema/1.0/bpmn",
    "http://operaton.org/schema/1.0/bpmn",
    "http://flowable.org/bpmn",
)

Element = etree._Element  # noqa: SLF001 - lxml offers no public name for its element type


def local(element: Element) -> str:
    """Return the local name of an element; "" for comments, processing instructions and entities."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(element: Element) -> str:
    """Return the namespace URI of an element, "" if it has none."""
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def children(element: Element, uri: str = BPMN, name: str | None = None) -> Iterator[Element]:
    """Yield the child elements in namespace `uri`, optionally only those with this local name."""
    for child in element:
        if namespace(child) == uri and (name is None or local(child) == name):
            yield child


def child(element: Element, name: str, uri: str = BPMN) -> Element | None:
    """Return the first child with this name, None without one."""
    return next(children(element, uri, name), None)


def text_of(element: Element | None) -> str:
    """Return the text of an element and all within it, stripped; "" for None."""
    return "".join(element.itertext(with_tail=False)).strip() if element is not None else ""


def extensions(element: Element, uri: str) -> Iterator[Element]:
    """Yield the elements of namespace `uri` in the extensionElements of an element."""
    for holder in children(element, BPMN, "extensionElements"):
        yield from children(holder, uri)


def attribute(element: Element, name: str, uri: str = "") -> str | None:
    """Return an attribute's text, stripped, or None when it is absent."""
    value = element.get(f"{{{uri}}}{name}" if uri else name)
    return value.strip() if isinstance(value, str) else None


def name_of(element: Element) -> str:
    """Return the name of an element with each run of white space as one blank: line breaks in it are layout."""
    return " ".join((element.get("name") or "").split())


class Ids:
    """Ids that QName references are looked up in: as written, else without prefix, whichever side has one."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = frozenset(ids)
        self._bare: dict[str, str] | None = None

    def resolve(self, reference: str) -> str | None:
        """Return the id that the reference means, None if it means none of them."""
        if reference in self._ids:
            return reference
        bare = reference.rpartition(":")[2]
        if bare in self._ids:
            return bare
        if self._bare is None:
            self._bare = {id_.rpartition(":")[2]: id_ for id_ in sorted(self._ids, reverse=True) if ":" in id_}
        return self._bare.get(bare)
