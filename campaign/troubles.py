"""The cases of the campaign `disk`: what happens to the folder, what has to be said of it, and how it is mended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from campaign.places import lift_file_limit, overwrite, read_only
from campaign.processes import ProcessError
from campaign.scene import PROCESS, Scene
from campaign.server import Server, run
from campaign.waiting import until_async

FILE = "segue.db"
ROOM_MIB = 256
FLOOR_MIB = 64
FILE_LIMIT = 16 << 20
SETTLED_WITHIN_S = 120.0


class Trouble(Struct, frozen=True):
    """One case. `room_mib`: the data folder lies on a disk of its own of this size, which needs the right to mount."""

    name: str
    play: Callable[[Scene], Awaitable[None]]
    room_mib: int | None = None
    environment: Mapping[str, str] = {}
    leash: tuple[str, ...] = ()


async def _full(scene: Scene) -> None:
    """The disk is full; there is room again, and the server goes on by itself."""
    await scene.accepted()
    scene.disk.fill()
    await scene.refused("disk is full", str(scene.server.data))
    await scene.here.audit()
    await scene.nothing_new()
    scene.disk.empty()
    await scene.accepted()


async def _full_and_killed(scene: Scene) -> None:
    """The disk is full, and the server is killed; the next one starts when there is room."""
    await scene.accepted()
    scene.disk.fill()
    await scene.refused("disk is full")
    scene.here.check_log()
    scene.server.kill()
    await scene.here.audit()
    scene.disk.empty()
    await scene.server.start()
    await scene.here.audit()
    await scene.accepted()


async def _full_at_start(scene: Scene) -> None:
    """The disk is full, and the server is started on it: it says so, or serves and refuses; then there is room."""
    await scene.accepted()
    scene.disk.fill()
    await scene.refused("disk is full")
    scene.server.kill()
    scene.disk.fill()
    try:
        await scene.server.start()
    except ProcessError as error:
        scene.says(str(error), "disk is full", FILE)
        scene.disk.empty()
        await scene.server.start()
    else:
        await scene.refused("disk is full")
        scene.disk.empty()
    await scene.accepted()


async def _tight(scene: Scene) -> None:
    """There is little room left: nothing new is taken in, and what was accepted is finished."""
    await scene.accepted()
    scene.disk.fill(but=FLOOR_MIB // 2)
    await scene.refused("free disk space", "Free some space")
    await until_async(partial(_all_done, scene), SETTLED_WITHIN_S, "what was accepted to be finished")
    await scene.nothing_new()
    scene.disk.empty()
    await scene.accepted()


async def _all_done(scene: Scene) -> bool:
    running = await scene.here.api.ask("/instances", process=PROCESS, state="running", limit=1)
    return not running["items"]


async def _broken_disk(scene: Scene) -> None:
    """The disk reports errors when it is written to (a limit on the size of files); later it does no more."""
    await scene.accepted()
    await scene.refused(FILE, "the store tries again by itself")
    await scene.here.audit()
    await scene.nothing_new()
    lift_file_limit(scene.server.child.process.pid)
    await scene.accepted()


async def _read_only(scene: Scene) -> None:
    """The folder is read-only when the server is started; it changes nothing, and starts when it may write."""
    await scene.accepted()
    await scene.server.stop()
    before = _content(scene.server.data)
    with read_only(scene.server.data):
        await scene.does_not_start(str(scene.server.data), "permissions")
        if _content(scene.server.data) != before:
            scene.problem("a server that could not start has changed the folder")
    await scene.server.start()
    await scene.accepted()


async def _second_server(scene: Scene) -> None:
    """A second server is started on the folder, and one on the port: both end, and the first goes on undisturbed."""
    await scene.accepted()
    refusals, unanswered = len(scene.load.refusals), scene.load.unanswered
    holder = str(scene.server.child.process.pid)
    for data, words in (
        (scene.server.data, ("in use by another server", holder, str(scene.server.data))),
        (scene.folder / "other", ("used by another program", str(scene.server.port))),
    ):
        other = Server(scene.here.children, data)
        if data != scene.server.data:
            other.port = scene.server.port
        scene.says(await other.fail_to_start(), *words)
    await scene.accepted()
    if (len(scene.load.refusals), scene.load.unanswered) != (refusals, unanswered):
        scene.problem("starts failed while a second server was refused")


async def _moved_away(scene: Scene) -> None:
    """The file is moved away under the running server, which notices; it is put back, and a new server goes on."""
    await scene.accepted()
    file = scene.server.data / FILE
    file.rename(scene.folder / FILE)
    await scene.refused(str(file), "put it back")
    await scene.nothing_new()
    scene.server.kill()
    (scene.folder / FILE).rename(file)
    await scene.server.start()
    await scene.accepted()


def _damaged(spoil: Callable[[Scene, Path], None], clean: bool) -> Callable[[Scene], Awaitable[None]]:
    """The file is damaged while no server runs: the next one says so. A backup is put back, and all goes on."""

    async def play(scene: Scene) -> None:
        await scene.accepted()
        await scene.server.stop()
        await scene.server.start()
        await scene.accepted()
        await scene.load.finish()
        await _back_up(scene, scene.folder / "backup")
        if clean:
            await scene.server.stop()
        else:
            scene.server.kill()
        data = scene.server.data
        spoil(scene, data / FILE)
        await scene.does_not_start(str(data / FILE), "from a backup")
        data.rename(scene.folder / "damaged")
        (scene.folder / "backup").rename(data)
        await scene.server.start()

    return play


async def _back_up(scene: Scene, target: Path) -> None:
    done = await run("backup", str(target), "--data", str(scene.server.data))
    if done.code != 0:
        raise ProcessError(f"`segue backup` ended with code {done.code}: {done.err}")


def _spoil_head(scene: Scene, file: Path) -> None:
    overwrite(file, scene.random, 0, 100)


def _spoil_middle(scene: Scene, file: Path) -> None:
    size = file.stat().st_size
    overwrite(file, scene.random, size // 4, size // 2)


def _spoil_page(scene: Scene, file: Path) -> None:
    """One page with rows that the write-ahead log does not hold anew (sqlite.org/fileformat2.html, 1.6 and 4.1)."""
    content = file.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    log = file.with_name(file.name + "-wal").read_bytes()
    anew = {int.from_bytes(log[begin : begin + 4], "big") for begin in range(32, len(log), size + 24)}
    leaves = [begin for begin in range(size, len(content), size) if content[begin] == 0x0D]
    begin = scene.random.choice([begin for begin in leaves if begin // size + 1 not in anew])
    overwrite(file, scene.random, begin, begin + size)


def _cut(_: Scene, file: Path) -> None:
    with file.open("r+b") as handle:
        handle.truncate(file.stat().st_size // 2)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


_FULL = {"SEGUE_FREE_DISK_MB": "0"}

TROUBLES = (
    Trouble("full disk", _full, ROOM_MIB, _FULL),
    Trouble("full disk, killed", _full_and_killed, ROOM_MIB, _FULL),
    Trouble("full disk at start", _full_at_start, ROOM_MIB, _FULL),
    Trouble("little room", _tight, ROOM_MIB, {"SEGUE_FREE_DISK_MB": str(FLOOR_MIB)}),
    Trouble("disk errors", _broken_disk, leash=("--file-limit", str(FILE_LIMIT))),
    Trouble("read-only", _read_only, leash=("--no-override",)),
    Trouble("second server", _second_server),
    Trouble("moved away", _moved_away),
    Trouble("damaged head", _damaged(_spoil_head, clean=True)),
    Trouble("damaged middle", _damaged(_spoil_middle, clean=True)),
    Trouble("damaged page after a crash", _damaged(_spoil_page, clean=False)),
    Trouble("cut", _damaged(_cut, clean=True)),
)
