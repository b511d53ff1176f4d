"""What holds for all tests: skips are judged, and property tests are not judged by the clock."""

from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = ("tests.skipping",)

# No deadline: how fast the machine is decides no test. Where the tests gate a change they are the same each time.
settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("SEGUE_CI") == "1" else "here")
