"""What the process holds, written down every few seconds."""

from __future__ import annotations

import asyncio
import csv
import gc
import resource
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bench.endurance.callers import Load

Columns: TypeAlias = "Mapping[str, array[float]]"


@dataclass
class Sampler:
    """Writes down every few seconds what the process holds."""

    load: Load
    every: float
    path: Path
    columns: dict[str, array[float]] = field(default_factory=dict[str, "array[float]"])
    """By name. An array is one block of memory however long it is."""

    async def run(self, seconds: float) -> None:
        """Sample for so many seconds, while the load is what it is to be."""
        begun = time.monotonic()
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer: csv.DictWriter[str] | None = None
            while time.monotonic() < begun + seconds:
                row = {"seconds": round(time.monotonic() - begun, 1), **held()}
                row["requests"] = self.load.started
                row["under_way"] = len(self.load.under_way)
                for name, value in row.items():
                    self.columns.setdefault(name, array("d")).append(value)
                if writer is None:
                    writer = csv.DictWriter(file, list(row))
                    writer.writeheader()
                writer.writerow(row)
                file.flush()
                await asyncio.sleep(self.every)


def held() -> dict[str, float]:
    """Return what this process holds now."""
    names = Counter(
        kind.__name__
        for kind in map(type, gc.get_objects())
        if str(kind.__module__).startswith("turnout")
    )
    links = [*_links()]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "rss_mib": round(pages * resource.getpagesize() / 2**20, 2),
        "blocks": sys.getallocatedblocks(),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(links),
        "sockets": sum(link.startswith("socket:") for link in links),
        "threads": threading.active_count(),
        "streams": names["Stream"],
        "attempts": names["AttemptReader"],
        "gates": names["Gate"],
        "objects": names.total(),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
    }


def _links() -> Iterator[str]:
    """Give what each file descriptor stands for."""
    for path in Path("/proc/self/fd").iterdir():
        # That of the listing is closed by now, and another thread may close others.
        with suppress(FileNotFoundError):
            yield str(path.readlink())


def recorded(path: Path) -> Columns:
    """Return what was written down before."""
    with path.open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    columns = zip(*(map(float, row) for row in rows), strict=True)
    return {n: array("d", column) for n, column in zip(names, columns, strict=True)}
