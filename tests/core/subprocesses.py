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
"""Begins a script that may be slow, which asyncio's debug mode reports."""

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
"""Begins a script: a provider that does not end, and tells when it is closed.

What runs beside it writes with `tell`.
"""


def script(*parts: str) -> str:
    return "\n".join(textwrap.dedent(part) for part in parts)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def strict(*flags: str) -> list[str]:
    """Return the command of an interpreter that bears nothing."""
    # What site-packages hold may warn at its import; that is not ours to mend.
    return [sys.executable, "-X", "dev", "-W", "error", *flags]


def run_script(
    *parts: str, command: Sequence[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script and return what became of it."""
    return subprocess.run(
        [*(command or strict()), "-c", script(*parts)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def output_of(*parts: str, command: Sequence[str] | None = None) -> str:
    """Run a script that must succeed and complain of nothing; return its output."""
    done = run_script(*parts, command=command)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
