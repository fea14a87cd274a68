"""Scripts in processes of their own, whose every warning is an error."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

SLOW = """
    import logging
    logging.getLogger("asyncio").addFilter(lambda record: "took" not in record.msg)
"""
"""The beginning of a slow script: asyncio's debug mode must not report it."""

ENDLESS = f"""{SLOW}
    import asyncio, sys
    from turnout import Provider, ProviderInfo

    def tell(text):
        # One write: print() makes two, between which another thread may write.
        sys.stdout.write(str(text) + "\\n")
        sys.stdout.flush()

    class Endless(Provider):
        info = ProviderInfo(name="Endless", models=("m",))

        async def generate(self, request):
            try:
                while True:
                    yield "a"
                    await asyncio.sleep(0.001)
            finally:
                tell("closed")
"""
"""The beginning of a script: an endless provider that reports when it is closed.

Other threads and callbacks write with `tell` too.
"""


def script(*parts: str) -> str:
    return "\n".join(textwrap.dedent(part) for part in parts)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def strict(*flags: str) -> list[str]:
    """Return the command of an interpreter with every warning as an error."""
    # Other packages may warn when they are imported.
    return [sys.executable, "-X", "dev", "-W", "error", *flags]


def run_script(
    *parts: str, command: Sequence[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script and return the finished process."""
    return subprocess.run(
        [*(command or strict()), "-c", script(*parts)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def output_of(*parts: str, command: Sequence[str] | None = None) -> str:
    """Run a script that must succeed without warnings; return its output."""
    done = run_script(*parts, command=command)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
