"""The network of the campaigns that need hosts: `python -m campaign.cable SOCKET PREFIX HOST...`, as root.

Each host is a network namespace without a name, and one cable goes from there to here: two TUN devices whose packets
this process carries, so that it can lose and delay them, by the way that they take: to the database, to the broker, or
to whatever else is here. Nothing needs more than /dev/net/tun and `ip`, no other device is touched, and since all of it
belongs to this process, nothing is left when it ends, in whatever way.

Commands come over a socket, a line each: {"do": "boot" | "off" | "wire", "host": …, …}; each is answered with a line.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import struct
import subprocess
import sys
from random import Random

import msgspec
from msgspec import Struct

STORE, BROKER, WORK = WAYS = ("store", "broker", "work")
"""The ways that packets take: to and from the database, to and from the broker, and all others."""

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
DEVICE = "/dev/net/tun"
LONGEST_PACKET = 1 << 16
FIRST_HOST = 10


class Quality(Struct, frozen=True):
    """What becomes of packets: so many of them are lost, the others arrive after `delay_ms`, give or take."""

    lost: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0


class Command(Struct, forbid_unknown_fields=True):
    """What is to be done with a host, or with its cable."""

    do: str
    host: str
    way: str = STORE
    quality: Quality = Quality()


class Here:
    """Our own addresses: the database's, the broker's and that of all else."""

    def __init__(self, prefix: str) -> None:
        self.store, self.work, self.broker = f"{prefix}.1", f"{prefix}.2", f"{prefix}.3"
        self._ways = {
            bytes(map(int, address.split("."))): way for address, way in ((self.store, STORE), (self.broker, BROKER))
        }

    def way_of(self, packet: bytes) -> str:
        """The way that an IPv4 packet takes."""
        return self._ways.get(packet[12:16]) or self._ways.get(packet[16:20]) or WORK


class Cable:
    """One host: its namespace while it is on, and the two ends of its cable."""

    def __init__(self, here: Here, address: str, device: str, random: Random) -> None:
        self._here = here
        self._address = address
        self._random = random
        self._quality = dict.fromkeys(WAYS, Quality())
        self._loop = asyncio.get_running_loop()
        self._network: int | None = None
        self._far: int | None = None
        self._near = _open_tun(device)
        for own in (here.work, here.broker, here.store):
            _ip("addr", "add", own, "peer", address, "dev", device)
        _ip("link", "set", device, "up")
        self._loop.add_reader(self._near, self._carry_there)

    def boot(self) -> str:
        """Have a host at the end of the cable, without any memory; where others find its network."""
        self.off()
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _call("unshare", CLONE_NEWNET)
            self._network = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            self._far = _open_tun("wire")
            _ip("link", "set", "lo", "up")
            _ip("addr", "add", self._address, "peer", self._here.store, "dev", "wire")
            _ip("link", "set", "wire", "up")
            for other in (self._here.work, self._here.broker):
                _ip("route", "add", other, "dev", "wire", "src", self._address)
        finally:
            _call("setns", home, CLONE_NEWNET)
            os.close(home)
        self._loop.add_reader(self._far, self._carry_back)
        return f"/proc/{os.getpid()}/fd/{self._network}"

    def off(self) -> None:
        """The host is gone at once, and says nothing any more."""
        if self._far is not None:
            self._loop.remove_reader(self._far)
            os.close(self._far)
            self._far = None
        if self._network is not None:
            os.close(self._network)
            self._network = None

    def wire(self, way: str, quality: Quality) -> None:
        """Treat the packets of a way so from now on."""
        self._quality[way] = quality

    def _carry_there(self) -> None:
        for packet in _read(self._near):
            self._send(packet, there=True)

    def _carry_back(self) -> None:
        if self._far is not None:
            for packet in _read(self._far):
                self._send(packet, there=False)

    def _send(self, packet: bytes, *, there: bool) -> None:
        if packet[0] >> 4 != 4:
            return
        quality = self._quality[self._here.way_of(packet)]
        if quality.lost and self._random.random() < quality.lost:
            return
        if quality.delay_ms:
            late_ms = quality.delay_ms + self._random.uniform(-quality.jitter_ms, quality.jitter_ms)
            self._loop.call_later(late_ms / 1000, self._arrive, packet, there)
        else:
            self._arrive(packet, there)

    def _arrive(self, packet: bytes, there: bool) -> None:
        end = self._far if there else self._near
        if end is not None:
            try:
                os.write(end, packet)
            except OSError:  # no room, or the device is going: the packet is lost
                return


def _read(end: int) -> list[bytes]:
    """All packets that wait, up to a bound so that no cable keeps the others waiting."""
    packets: list[bytes] = []
    while len(packets) < 64:
        try:
            packets.append(os.read(end, LONGEST_PACKET))
        except BlockingIOError:
            break
    return packets


def _open_tun(name: str) -> int:
    """A new device in the namespace of this moment."""
    end = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return end


def _call(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


async def serve(path: str, prefix: str, hosts: list[str]) -> None:
    """Lay the cables, and obey until the process is ended."""
    here = Here(prefix)
    random = Random(prefix)
    number = prefix.rpartition(".")[2]
    cables = {
        host: Cable(here, f"{prefix}.{FIRST_HOST + index}", f"segue{number}-{index}", random)
        for index, host in enumerate(hosts)
    }

    def obey(command: Command) -> str:
        cable = cables[command.host]
        if command.do == "boot":
            return cable.boot()
        if command.do == "off":
            cable.off()
        else:
            cable.wire(command.way, command.quality)
        return ""

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            said = obey(msgspec.json.decode(line, type=Command))
            writer.write(msgspec.json.encode(said) + b"\n")

    await asyncio.start_unix_server(attend, path)
    print(f"The network is ready on {path}", flush=True)
    await asyncio.Event().wait()


def check() -> None:
    """Raise OSError when this user may make no network here."""
    _call("unshare", CLONE_NEWNET)
    os.close(_open_tun("wire"))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        check()
    else:
        asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3:]))
