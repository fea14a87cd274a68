"""Measure clients that share a process; what comes out is JSON.

    python -m bench.measure JSON

Needs nothing but the standard library and the clients' own packages: it is run in the
environments of the peers too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
import socket
import sys
import time
import zlib
from dataclasses import asdict, dataclass, field

from bench import loopback
from bench.clients import Client, client_of
from bench.load import Load, checksum_of, text_of


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a process has to measure."""

    protocol: str
    clients: list[str]
    port: int
    events: int
    batch: int
    ms: int
    hold: int
    streams: int
    """One after another, or all at once where `together` is."""
    batches: int = 1
    """How often each client has its turn."""
    together: bool = False
    apart: float = 0.0
    """Seconds between the beginnings of streams that are open together."""

    @property
    def load(self) -> Load:
        return Load(events=self.events, batch=self.batch, ms=self.ms, hold=self.hold)

    def address_of(self, load: Load) -> str:
        return f"http://127.0.0.1:{self.port}/{load}"


@dataclass
class Figures:
    """What was measured of a client."""

    seconds: list[float] = field(default_factory=list)
    """Of CPU, user and system, one for each turn."""
    upstream: list[float] = field(default_factory=list)
    """Of the upstream's CPU in the same turn."""
    elapsed: list[float] = field(default_factory=list)
    """By the clock."""
    first_deltas: list[float] = field(default_factory=list)
    """Seconds to the first delta, of streams that were open together."""
    bytes_each: float | None = None
    """Memory of an open stream; None where they were not all open at once."""


class Crowd:
    """Notes when the first deltas of streams have come, and tells when all have."""

    def __init__(self, streams: int) -> None:
        self.waiting = streams
        self.first_deltas: list[float] = []
        self.all_begun = asyncio.Event()

    def begun(self, seconds: float) -> None:
        self.first_deltas.append(seconds)
        self.waiting -= 1
        if not self.waiting:
            self.all_begun.set()


class Watch:
    """Notes when a stream's text comes and which, and keeps none of it."""

    __slots__ = ("began", "checksum", "crowd")

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.began: float | None = time.perf_counter()
        self.checksum = 0

    def __call__(self, text: str) -> None:
        if self.began is not None:
            self.crowd.begun(time.perf_counter() - self.began)
            self.began = None
        self.checksum = zlib.crc32(text.encode(), self.checksum)


def cpu() -> float:
    """Return the seconds of CPU that this process has taken, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def upstream_cpu(port: int) -> float:
    """Return the seconds of CPU that the upstream has taken, as it tells itself."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /cpu HTTP/1.1\r\nHost: upstream\r\n\r\n")
        return float(connection.recv(1000).rpartition(b"\n")[2])


class Turn:
    """Takes the time of a turn."""

    def __init__(self, port: int) -> None:
        gc.collect()  # What one client has left behind is not for the next one to find.
        self._port = port
        self._upstream = upstream_cpu(port)
        self._began = time.perf_counter()
        self._cpu = cpu()

    def note(self, figures: Figures) -> None:
        """Note what was taken since."""
        figures.seconds.append(cpu() - self._cpu)
        figures.elapsed.append(time.perf_counter() - self._began)
        figures.upstream.append(upstream_cpu(self._port) - self._upstream)


async def answer(client: Client, load: Load) -> None:
    """Ask once, and check the text."""
    pieces: list[str] = []
    await client.ask(pieces.append)
    if "".join(pieces) != text_of(load):
        raise AssertionError(f"another text: {''.join(pieces)[:200]!r}")


async def in_turn(task: Task, clients: dict[str, Client]) -> dict[str, Figures]:
    """Let the clients ask by turns, in an order that is shuffled each time."""
    figures = {name: Figures() for name in clients}
    for client in clients.values():
        for _ in range(task.streams // 5):
            await answer(client, task.load)
    for _ in range(task.batches):
        for name in random.sample(list(clients), len(clients)):
            turn = Turn(task.port)
            for _ in range(task.streams):
                await answer(clients[name], task.load)
            turn.note(figures[name])
    return figures


async def together(task: Task, client: Client) -> Figures:
    """Let a client have many streams open at once."""
    loop = asyncio.get_running_loop()
    figures = Figures()
    turn = Turn(task.port)
    memory, began = resident(), loop.time()
    crowd = Crowd(task.streams)

    async def one() -> None:
        watch = Watch(crowd)
        await client.ask(watch)
        if watch.checksum != checksum_of(task.load):
            raise AssertionError("another text")

    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []
        for number in range(task.streams):
            await asyncio.sleep(max(0, began + number * task.apart - loop.time()))
            tasks.append(group.create_task(one()))
        await crowd.all_begun.wait()
        all_open = not any(task.done() for task in tasks)
        grown = resident() - memory
    turn.note(figures)
    figures.first_deltas = sorted(crowd.first_deltas)
    figures.bytes_each = grown / task.streams if all_open else None
    return figures


async def measure(task: Task) -> dict[str, Figures]:
    clients: dict[str, Client] = {}
    for name in task.clients:
        # What is loaded with the first request is no part of the figures.
        short = client_of(name, task.protocol, task.address_of(Load(events=1)))
        await answer(short, Load(events=1))
        await short.close()
        address = task.address_of(task.load)
        clients[name] = client_of(name, task.protocol, address)
    if task.together:
        ((name, client),) = clients.items()
        figures = {name: await together(task, client)}
    else:
        figures = await in_turn(task, clients)
    for client in clients.values():
        await client.close()
    return figures


def main() -> None:
    loopback.enforce()
    task = Task(**json.loads(sys.argv[1]))
    figures = asyncio.run(measure(task))
    print(json.dumps({name: asdict(each) for name, each in figures.items()}))


if __name__ == "__main__":
    main()
