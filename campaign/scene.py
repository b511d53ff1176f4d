"""One case of the campaign `disk`: a server on a data folder that suffers, under load, and what has to be seen."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

from campaign.load import Load
from campaign.places import SmallDisk
from campaign.server import Server
from campaign.waiting import until
from campaign.world import World

WITHIN_S = 120.0
SOME = 50
PROCESS = "tree"


class Scene:
    """A case while it is played."""

    def __init__(self, here: World, load: Load, random: Random, disk: SmallDisk | None) -> None:
        self.here = here
        self.load = load
        self.random = random
        self._disk = disk

    @property
    def server(self) -> Server:
        """The server on the folder that suffers."""
        return self.here.server

    @property
    def folder(self) -> Path:
        """A place for what the case needs beside the data folder."""
        return self.here.folder

    @property
    def disk(self) -> SmallDisk:
        """The small disk that the data folder lies on. Raises ValueError when it lies on an ordinary one."""
        if self._disk is None:
            raise ValueError("This case has no disk of its own")
        return self._disk

    async def accepted(self, more: int = SOME) -> None:
        """Wait until so many more starts are accepted."""
        goal = len(self.load.accepted) + more
        await until(partial(self._has_accepted, goal), WITHIN_S, f"{more} more starts to be accepted")

    async def refused(self, *words: str) -> None:
        """Wait until starts are refused because the store cannot write, and see that a refusal says these words."""
        before = len(self.load.refusals)
        await until(partial(self._has_refused, before + SOME), WITHIN_S, "starts to be refused")
        refusals = self.load.refusals[before:]
        self.says("\n".join({refusal.detail for refusal in refusals}), *words)
        for other in {(each.status, each.code) for each in refusals} - {(503, "store-unavailable")}:
            self.problem(f"a start was refused with {other}")

    async def nothing_new(self) -> None:
        """See that of many more starts each is refused."""
        accepted = len(self.load.accepted)
        goal = len(self.load.refusals) + 5 * SOME
        await until(partial(self._has_refused, goal), WITHIN_S, "more starts to be refused")
        if len(self.load.accepted) != accepted:
            self.problem(f"{len(self.load.accepted) - accepted} starts were accepted between those that were refused")

    async def does_not_start(self, *words: str) -> None:
        """See that the server ends by itself with an error that says these words."""
        self.says(await self.server.fail_to_start(), *words)

    def says(self, text: str, *words: str) -> None:
        """Keep as a problem what an error for people does not say."""
        missing = [word for word in words if word not in text]
        if missing:
            self.problem(f"an error does not say {' or '.join(map(repr, missing))}: {text.strip()[-600:]}")

    def problem(self, text: str) -> None:
        """Keep a problem."""
        self.here.problems.append(text)

    def _has_accepted(self, goal: int) -> bool:
        self.load.check()
        return len(self.load.accepted) >= goal

    def _has_refused(self, goal: int) -> bool:
        self.load.check()
        return len(self.load.refusals) >= goal
