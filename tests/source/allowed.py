"""Exemptions from the rules on words: a place or a pattern of places, and the reason.

An exemption that nothing needs any more fails the tests, so this list stays true.
"""

from __future__ import annotations

BANNED_WORDS: dict[str, str] = {
    "tests/source/words.py": "the rule itself names what it bans",
    "tests/source/test_rules.py": "plants violations of the rule",
}

COMPATIBILITY_WORDS: dict[str, str] = {
    "src/segue/api/openmetrics*.py": "a counter is a type of metric in OpenMetrics",
    "docs/orchesty.md": "the guide for those who come from Orchesty",
    "src/segue/api/compat/*.py": "serves the routes of the original platform",
    "src/segue/adapters/worker_directory/applications.py": "speaks the application routes of Orchesty's workers",
    "src/segue/adapters/worker_directory/wire.py": "reads what Orchesty's workers say about applications",
    "src/segue/bpmn/pipes.py": "reads the attributes of Orchesty's process files",
    "src/segue/core/documents.py": "reads the documents that Orchesty's workers write",
    "src/segue/testing/contracts/documents.py": "writes documents as Orchesty's workers do",
    "src/segue/core/system_events.py": "writes the notices that Orchesty's process system-events expects",
    "src/segue/core/headers.py": "the headers of the wire format bear Orchesty's names",
    "sdk/src/segue_sdk/wire.py": "the headers of the wire format bear Orchesty's names",
    "src/segue/testing/simulation/wire.py": "reads the headers of the wire format a second time",
}
