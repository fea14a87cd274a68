"""What a process with the model in it does when something is missing, and at its end.

Each in a process of its own, with warnings as errors and Python's own checks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import asyncio, logging, sys
from turnout_local import Local

# How fast this machine is at the moment is not what is asked.
logging.getLogger("asyncio").addFilter(lambda record: "seconds" not in record.msg)

STORY = "Tell me a long story about a train."
"""


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", ASK + script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def clean(script: str) -> str:
    """Run a script, insist that it ends well, and return what it printed."""
    finished = run(script)
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def test_a_missing_engine_says_what_to_type(model: None) -> None:
    finished = run(
        """
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "xllamacpp":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

print(Local().unavailable())
sys.meta_path.insert(0, Blocker())
print(Local().unavailable())
try:
    asyncio.run(Local().complete("Hi"))
except Exception as error:
    print(type(error).__name__, error)
"""
    )

    assert finished.stderr == ""
    before, after, error = finished.stdout.splitlines()
    assert before == "None"
    assert after == (
        'the local model\'s engine is not here; type `pip install "turnout[local]"`, '
        "then `turnout local pull`"
    )
    assert error.startswith("UnavailableError ")
    assert error.endswith(
        'type `pip install "turnout[local]"`, then `turnout local pull`'
    )


def test_missing_weights_say_what_to_type(tmp_path: Path) -> None:
    folders = dict.fromkeys(("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"), str(tmp_path))
    finished = run(
        """
try:
    asyncio.run(Local().complete("Hi"))
except Exception as error:
    print(type(error).__name__, error)
    print(str(error) == Local().unavailable())
""",
        **folders,
    )

    assert finished.stderr == ""
    assert finished.stdout.startswith("UnavailableError ")
    assert "`turnout local pull`" in finished.stdout
    assert finished.stdout.endswith("\nTrue\n")
    assert list(tmp_path.iterdir()) == []


def test_two_runs_and_exit_with_a_stream_half_read(model: None) -> None:
    printed = clean(
        """
local = Local()

async def ask():
    async with local.stream("What is the capital of France?", max_tokens=8) as stream:
        print((await stream.collect()).text)

async def leave():
    async with local.stream(STORY) as stream:
        async for text in stream:
            return

for main in (ask, ask, leave):
    asyncio.run(main())
"""
    )

    assert printed.count("Paris") == 2


def test_exit_in_the_middle_of_generating(model: None) -> None:
    clean(
        """
loop = asyncio.new_event_loop()
texts = aiter(Local().stream(STORY))
loop.run_until_complete(anext(texts))
import os, threading
assert any(thread.name == "turnout-local" for thread in threading.enumerate())
import warnings
warnings.simplefilter("ignore", ResourceWarning)  # Of the stream, and of the loop.
"""
    )


def test_exit_while_another_thread_waits_for_the_model(model: None) -> None:
    clean(
        """
import threading
begun = threading.Event()

def ask():
    loop = asyncio.new_event_loop()
    loop.call_soon(begun.set)
    try:
        loop.run_until_complete(Local().complete(STORY))
    except Exception as error:
        # The one if the exit comes before the request, the other if after.
        names = {"UnavailableError", "StreamTruncatedError"}
        assert type(error).__name__ in names, error
    loop.close()

threading.Thread(target=ask, daemon=True).start()
begun.wait()
"""
    )


def test_nothing_is_begun_once_the_process_ends(model: None) -> None:
    printed = clean(
        """
import atexit, threading
ending = threading.Event()

def ask():
    ending.wait()
    try:
        asyncio.run(Local().complete(STORY))
    except Exception as error:
        print(type(error).__name__, error)

late = threading.Thread(target=ask, daemon=True)
late.start()
atexit.register(late.join)
atexit.register(ending.set)
"""
    )

    assert printed == "UnavailableError the process is ending\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_still_reaches_python(model: None) -> None:
    clean(
        """
import os, signal

async def main():
    async for text in Local().stream(STORY):
        os.kill(os.getpid(), signal.SIGINT)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
"""
    )
