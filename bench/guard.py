"""Fail if turnout needs more instructions than before.

    python -m bench.guard [--rounds N]

Processes of turnout, and of a loop written by hand with aiohttp, run under valgrind's
cachegrind, and the ratio of the two is compared with a limit. A ratio repeats within
two hundredths on any machine, busy or not, so the limit is close to the measured ratio:
a regression of a twentieth is found. Without valgrind nothing is measured, and a
message says so.

What a stream takes is the difference between a process that has more of them and one
that has fewer. What the system does for it is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

LIMITS = {
    "import turnout": 0.20,
    "a process that asks once": 1.31,
    "a stream of one event": 1.52,
    "the same, of a route of three": 1.65,
    "an event at full speed": 0.50,
}
"""The ratio to bare aiohttp that is let pass: three to five hundredths over what it is.

Measured with CPython 3.11 and aiohttp 3.14. A change that makes turnout cheaper lowers
them, and one that makes it dearer says why. The limits of a stream are 0.22 and 0.22 up
since: an idle connection is polled before it is used again, an answer is checked for
being empty or going on after its finish, health counts under a lock, the text is
measured to recognize a message that repeats it, what chunks say beside text is kept,
an attempt has an id, its hooks and observers are looked up, and a stream checks that
it is read in the event loop and the process that began it.
"""

FEW, MANY, EVENTS, BATCH = 2, 32, 2000, 50
"""How many streams of one event, and how many events in the one stream of many."""

# By name: streams of one event, and events of one further stream.
RUNS = {"few": (FEW, 0), "many": (MANY, 0), "events": (FEW, EVENTS)}


async def bare(url: str, streams: int, events: int) -> int:
    import aiohttp
    import orjson

    characters = 0
    headers = {"Authorization": "Bearer sk-0123456789"}
    message = {"role": "user", "content": "hi"}
    body = {"model": "gpt-4o-mini", "messages": [message], "stream": True}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in [*["1"] * streams, str(events)]:
            if path == "0":
                continue
            address = f"{url}/{path}/chat/completions"
            async with session.post(address, json=body) as response:
                response.raise_for_status()
                async for line in response.content:
                    if not line.startswith(b"data: ") or line == b"data: [DONE]\n":
                        continue
                    event = orjson.loads(line[6:])
                    if event["choices"]:
                        delta = event["choices"][0]["delta"]
                        characters += len(delta.get("content", ""))
    return characters


async def ours(url: str, streams: int, events: int, *, route: bool = False) -> int:
    import turnout

    characters = 0
    for path, count in (("1", streams), (str(events), 1)):
        if path == "0":
            continue
        provider = turnout.get_provider(
            "OpenAI", base_url=f"{url}/{path}", api_key="sk-0123456789"
        )
        others = map(provider.target, ("gpt-4o", "gpt-4.1"))
        asked = turnout.fallback(provider, *others) if route else provider
        for _ in range(count):
            async for text in asked.stream("hi"):
                characters += len(text)
    return characters


async def ours_in_a_route(url: str, streams: int, events: int) -> int:
    return await ours(url, streams, events, route=True)


CLIENTS = {"bare": bare, "turnout": ours, "route": ours_in_a_route}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(delta: dict[str, str], reason: str | None = None) -> bytes:
    """Return an event of about 300 bytes, as OpenAI's are."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    value = {
        "id": "chatcmpl-AbCdEfGh1234567890",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": [choice],
        "usage": None,
    }
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def answer(events: int) -> bytes:
    pieces = [event({"content": f"benchmark {i:06d} "}) for i in range(events)]
    chunks = [
        chunk(b"".join(pieces[start : start + BATCH]))
        for start in range(0, events, BATCH)
    ]
    end = chunk(event({}, "stop") + b"data: [DONE]\n\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(chunks) + end + b"0\r\n\r\n"


async def serve() -> None:
    """Answer with as many events as the path says, until standard input ends."""
    answers = {b"1": answer(1), str(EVENTS).encode(): answer(EVENTS)}

    async def on_connection(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                assert length is not None
                await reader.readexactly(int(length[1]))
                writer.write(answers[head.split(b"/")[1]])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def served() -> Generator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.guard", "--serve"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.communicate()


def _kept() -> dict[str, str]:
    """Return the environment in which bytecode is kept: else each import compiles."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def counted(*arguments: str) -> int:
    """Return the instructions of a process of this interpreter, in millions."""
    done = subprocess.run(
        [
            *("valgrind", "--tool=cachegrind", "--cache-sim=no"),
            *(f"--cachegrind-out-file={os.devnull}", sys.executable, *arguments),
        ],
        cwd=ROOT,
        # The order of sets and dictionaries is chance, otherwise.
        env={**_kept(), "PYTHONHASHSEED": "0"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"{arguments} failed:\n{done.stderr}")
    return int(found[1].replace(",", ""))


def measured(url: str) -> dict[str, float]:
    """Return the ratios, by the names of the limits."""
    wanted = {
        (client, run)
        for client in CLIENTS
        for run in RUNS
        if (client, run) != ("route", "events")
    }
    # Twice as quick on two cores, and no count knows of the other.
    with ThreadPoolExecutor(2) as pool:
        imported = pool.submit(counted, "-c", "import turnout")
        counts = {
            (client, run): pool.submit(
                counted, "-m", "bench.guard", "--ask", client, run, url
            )
            for client, run in sorted(wanted)
        }
        count = {key: future.result() for key, future in counts.items()}

    def each(client: str, run: str) -> int:
        return count[client, run] - count[client, "few"]

    cold = count["bare", "few"]
    return {
        "import turnout": imported.result() / cold,
        "a process that asks once": count["turnout", "few"] / cold,
        "a stream of one event": each("turnout", "many") / each("bare", "many"),
        "the same, of a route of three": each("route", "many") / each("bare", "many"),
        "an event at full speed": each("turnout", "events") / each("bare", "events"),
    }


def main(rounds: int) -> int:
    if shutil.which("valgrind") is None:
        print("valgrind cannot be had here: no instructions are counted")
        return 0
    # So that none of the counted ones writes bytecode.
    warm = "import turnout, turnout._attempt, turnout.routes, turnout.http._client"
    subprocess.run([sys.executable, "-c", warm], cwd=ROOT, check=True, env=_kept())
    with served() as url:
        for client in CLIENTS:
            asyncio.run(CLIENTS[client](url, 1, 0))
        results = [measured(url) for _ in range(rounds)]
    failed = 0
    for name, limit in LIMITS.items():
        values = [result[name] for result in results]
        middle = statistics.median(values)
        verdict = "ok" if middle <= limit else "TOO DEAR"
        failed += middle > limit
        spread = f", {min(values):.3f} to {max(values):.3f}" if rounds > 1 else ""
        result = f"{verdict}: {name} is {middle:.3f} x bare aiohttp{spread}"
        print(f"{result}, limit {limit:.2f}")
    return 1 if failed else 0


def asked(client: str, run: str, url: str) -> None:
    streams, events = RUNS[run]
    # A collection looks at all that was imported, and one more or less of them in so
    # short a process would be all the difference.
    gc.disable()
    characters = asyncio.run(CLIENTS[client](url, streams, events))
    assert characters == (streams + events) * len("benchmark 000000 ")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ask", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    elif options.ask:
        asked(*options.ask)
    else:
        sys.exit(main(options.rounds))
