"""How what a version holds becomes columns, and back."""

from __future__ import annotations

import msgspec

from segue.model.graph import Finding, ProcessGraph

_encoder = msgspec.json.Encoder()
_graph = msgspec.json.Decoder(ProcessGraph)
_findings = msgspec.json.Decoder(tuple[Finding, ...])
_texts = msgspec.json.Decoder(tuple[str, ...])
_mapping = msgspec.json.Decoder(dict[str, str])


def encode(value: object) -> bytes:
    """Return a value of the model as JSON."""
    return _encoder.encode(value)


def encode_text(value: object) -> str:
    """Return a value of the model as JSON text."""
    return _encoder.encode(value).decode()


def decode_graph(data: bytes) -> ProcessGraph:
    """Return the graph that was encoded."""
    return _graph.decode(data)


def decode_findings(data: bytes) -> tuple[Finding, ...]:
    """Return the findings that were encoded."""
    return _findings.decode(data)


def decode_texts(data: str) -> tuple[str, ...]:
    """Return the list of texts that was encoded."""
    return _texts.decode(data)


def decode_mapping(data: str | bytes) -> dict[str, str]:
    """Return the mapping of texts that was encoded."""
    return _mapping.decode(data)
