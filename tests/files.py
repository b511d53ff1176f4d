"""Process files for tests, as text."""

from __future__ import annotations

import itertools
import re

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:segue="https://segue.dev/bpmn/1"'
    ' id="file" targetNamespace="urn:test">\n<process id="p" name="Orders" isExecutable="true">\n'
)
_TAIL = "</process>\n</definitions>\n"


def chain(*actions: str, extra: str = "") -> str:
    """Start, a task for each connector of the worker `w` in a row, end. The tasks are t1, t2, …"""
    nodes = ["start", *(f"t{number}" for number in range(1, len(actions) + 1)), "end"]
    lines = ['<startEvent id="start" name="begin"/>']
    for node, action in zip(nodes[1:-1], actions, strict=True):
        lines.append(
            f'<serviceTask id="{node}" name="{action}"><extensionElements>'
            f'<segue:action kind="connector" worker="w" name="{action}"/></extensionElements></serviceTask>'
        )
    lines.append('<endEvent id="end"/>')
    flows = itertools.pairwise(nodes)
    lines += [f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(flows)]
    return _HEAD + "\n".join(lines) + extra + "\n" + _TAIL


def user_task(passes: str = "none") -> str:
    """Start, a user task `ask`, the connector `echo`, end. `passes`: which runs do not wait at the task."""
    return (
        _HEAD
        + (
            '<startEvent id="start"/><userTask id="ask" name="approve"><extensionElements>'
            f'<segue:task passes="{passes}"/></extensionElements></userTask>'
            '<serviceTask id="t1"><extensionElements><segue:action kind="connector" worker="w" name="echo"/>'
            '</extensionElements></serviceTask><endEvent id="end"/>'
            '<sequenceFlow id="f0" sourceRef="start" targetRef="ask"/>'
            '<sequenceFlow id="f1" sourceRef="ask" targetRef="t1"/>'
            '<sequenceFlow id="f2" sourceRef="t1" targetRef="end"/>\n'
        )
        + _TAIL
    )


def without_action() -> str:
    """A file that opens and does not publish: its task has no action."""
    return chain("echo").replace('<segue:action kind="connector" worker="w" name="echo"/>', "")


def drawn(inside: str, messages: str = "") -> str:
    """A process with these elements; `{task NAME}` stands for a task that calls this action of the worker `w`, under
    the name as id, and `{A > B}` for a flow."""
    parts = re.sub(r"\{task (\w+)\}", _task, inside)
    head, _, tail = _HEAD.partition("<process")
    return head + messages + "<process" + tail + re.sub(r"\{(\w+) > (\w+)\}", _flow, parts) + _TAIL


def _task(found: re.Match[str]) -> str:
    name = found[1]
    action = f'<segue:action kind="connector" worker="w" name="{name}"/>'
    return f'<serviceTask id="{name}"><extensionElements>{action}</extensionElements></serviceTask>'


def _flow(found: re.Match[str]) -> str:
    return f'<sequenceFlow id="{found[1]}-{found[2]}" sourceRef="{found[1]}" targetRef="{found[2]}"/>'
