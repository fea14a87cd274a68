"""Try an installed turnout: its imports, its streams, its command.

It is to write nothing to stderr, which `smoke` looks at.
"""

import asyncio
import importlib
import platform
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import turnout
from turnout.testing import FakeProvider, FaultServer, respond

ANSWER = b"".join(
    b"data: " + data + b"\n\n"
    for data in (
        b'{"choices": [{"index": 0, "delta": {"content": "Hello"}}]}',
        b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}',
        b"[DONE]",
    )
)


def check(what: str, got: object, wanted: object) -> None:
    """End the test if something is not as it should be."""
    if got != wanted:
        sys.exit(f"{what}: {got!r}, not {wanted!r}")


async def ask_a_service() -> str:
    """Stream an answer from a server on loopback."""
    head = ("Content-Type", "text/event-stream")
    async with FaultServer(respond(200, ANSWER, head)) as server:
        provider = turnout.get_provider("vLLM", base_url=server.url)
        return "".join([text async for text in provider.stream("Hi", model="m")])


def main() -> None:
    """Run the test."""
    for name in turnout.__all__:
        getattr(turnout, name)
    for entry in entry_points(group="turnout"):
        importlib.import_module(entry.value.partition(":")[0])
    check("a synchronous stream", list(FakeProvider("a", "b").stream("Hi")), ["a", "b"])
    check("turnout.run", turnout.run(ask_a_service()), "Hello")
    check("asyncio.run", asyncio.run(ask_a_service()), "Hello")
    command = Path(sys.executable).with_name("turnout")
    done = subprocess.run([command, "--help"], capture_output=True, text=True)  # noqa: S603
    check("the command's status", (done.returncode, done.stderr), (0, ""))
    check("the command's help", done.stdout.startswith("Usage: turnout"), True)
    print(f"Python {platform.python_version()}: good")


if __name__ == "__main__":
    main()
