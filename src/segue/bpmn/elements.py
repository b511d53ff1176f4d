"""Which elements of BPMN 2.0.2 (formal/2013-12-09) are flow nodes, and which merely stand beside them."""

from __future__ import annotations

SUB_PROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess"})

TASKS = frozenset({"task", "serviceTask", "sendTask", "receiveTask", "scriptTask", "businessRuleTask", "manualTask"})
"""Tasks that run an action once one is assigned. A user task without one waits for a person."""

GATEWAYS = frozenset(
    {"exclusiveGateway", "inclusiveGateway", "parallelGateway", "complexGateway", "eventBasedGateway", "gateway"}
)

EVENTS = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent",
     "implicitThrowEvent", "event"}
)  # fmt: skip

FLOW_NODES = (
    TASKS
    | GATEWAYS
    | EVENTS
    | SUB_PROCESSES
    | {"userTask", "callActivity", "choreographyTask", "subChoreography", "callChoreography"}
)
"""Flow nodes by element name. `event` and `gateway` are abstract in BPMN; Orchesty's editor writes them."""

ACTIVITIES = TASKS | SUB_PROCESSES | {"userTask", "callActivity"}

LOOP_MARKERS = frozenset({"standardLoopCharacteristics", "multiInstanceLoopCharacteristics"})

BESIDE = frozenset(
    {"documentation", "extensionElements", "auditing", "monitoring", "property", "laneSet", "dataObject",
     "dataObjectReference", "dataStoreReference", "association", "group", "textAnnotation", "ioSpecification",
     "resourceRole", "performer", "humanPerformer", "potentialOwner", "correlationSubscription", "supports",
     "ioBinding", "incoming", "outgoing", "dataInputAssociation", "dataOutputAssociation", "supportedInterfaceRef",
     "completionCondition", "artifact", "dataInput", "dataOutput", *LOOP_MARKERS}
)  # fmt: skip
"""What may stand in a process or sub-process beside nodes and flows, and has no effect on the graph."""
