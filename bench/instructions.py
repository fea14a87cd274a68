"""Count the instructions of a stream of one event, beside a bare aiohttp loop's.

    python -m bench.instructions

A clock tells more of a shared machine than of a program: the same client takes half as
long again from one minute to the next. Instructions are the same each time, within a
hundredth. Each client runs for 30 and for 130 streams under valgrind's cachegrind, and
the difference is divided by 100; the work of the system is not counted. Needs
valgrind, and the extra `dev`.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from bench.cases import BUDGETS, OURS
from bench.clients import client_of
from bench.load import Load
from bench.processes import ROOT, environment, upstream
from bench.wire import WIRES

FEW, MANY = 30, 130


async def ask(protocol: str, client: str, port: int, streams: int) -> None:
    one = client_of(client, protocol, f"http://127.0.0.1:{port}/{Load(events=1)}")
    for _ in range(streams):
        await one.ask(len)
    await one.close()


def counted(protocol: str, client: str, port: int, streams: int) -> int:
    """Return the instructions of a whole process."""
    done = subprocess.run(
        [
            *("valgrind", "--tool=cachegrind", "--cache-sim=no"),
            f"--cachegrind-out-file={os.devnull}",
            *(sys.executable, "-m", "bench.instructions"),
            *(protocol, client, str(port), str(streams)),
        ],
        cwd=ROOT,
        # The order of sets and dictionaries is chance, otherwise.
        env={**environment(), "PYTHONHASHSEED": "0"},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1].replace(",", ""))


def main() -> None:
    print("| protocol | client | instructions a stream | ratio | budget | met |")
    print("|---|---|---|---|---|---|")
    with upstream() as port, ThreadPoolExecutor(2) as pool:
        for protocol in WIRES:
            counts = {
                client: [
                    pool.submit(counted, protocol, client, port, streams)
                    for streams in (FEW, MANY)
                ]
                for client in OURS
            }
            bare = 0.0
            for client, (few, many) in counts.items():
                each = (many.result() - few.result()) / (MANY - FEW)
                bare = bare or each
                ratio = each / bare
                budget = BUDGETS.get(("one", client))
                met = "" if budget is None else "yes" if ratio <= budget else "**no**"
                print(
                    f"| {protocol} | {client} | {each:,.0f} | {ratio:.2f} "
                    f"| {budget or ''} | {met} |",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:]:
        protocol, client, port, streams = sys.argv[1:]
        asyncio.run(ask(protocol, client, int(port), int(streams)))
    else:
        main()
