"""`python -m bench [scenario …]`: run the benches named, or all."""

from __future__ import annotations

import sys

from bench.scenarios import SCENARIOS


def main() -> None:
    """Run what the command line names."""
    names = sys.argv[1:] or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise SystemExit(f"no bench is called {unknown[0]}; there are: {', '.join(SCENARIOS)}")
    for name in names:
        SCENARIOS[name]()


if __name__ == "__main__":
    main()
