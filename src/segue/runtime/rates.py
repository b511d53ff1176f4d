"""Rates from counts that grow, and the memory of a process."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from pathlib import Path
from time import monotonic_ns

_SAMPLES = 6


class Meter:
    """What was done a second, over the latest samples."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=_SAMPLES)

    def sample(self, handled: int, cpu_ns: int) -> None:
        """Note the counts as they are now."""
        self._samples.append((monotonic_ns(), handled, cpu_ns))

    @property
    def rate(self) -> float:
        """Messages a second."""
        return round(self._slope(1) * 1e9, 1)

    @property
    def cpu(self) -> float | None:
        """The share of one core; None before there are two samples."""
        return round(self._slope(2), 4) if len(self._samples) > 1 else None

    def _slope(self, which: int) -> float:
        if len(self._samples) < 2:
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        return max(0, last[which] - first[which]) / max(1, last[0] - first[0])


def memory_of(pid: int) -> int | None:
    """The memory of a process that is in RAM, in bytes; None where the system does not say, or it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def cpu_of(pid: int) -> int | None:
    """The CPU that a process has used since it began, in ns; None where the system does not say, or it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return None
