"""Synchronous streams under gevent and eventlet, in processes that they patch."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from .meeting import PATIENCE, meeting
from .subprocesses import ENDLESS, environment, run_script

pytestmark = pytest.mark.ci

LIBRARIES = ["gevent", "eventlet"]

# Either library's, under one name.
GEVENT = """
    def patch():
        from gevent import monkey
        monkey.patch_all()
    def spawn(function):
        import gevent
        return gevent.spawn(function)
    def join(greenlets):
        import gevent
        gevent.joinall(greenlets, raise_error=True)
    def kill(greenlet):
        greenlet.kill()
    def sleep(seconds):
        import gevent
        gevent.sleep(seconds)
"""
EVENTLET = """
    import warnings
    warnings.simplefilter("ignore")
    def patch():
        import eventlet
        eventlet.monkey_patch()
    def spawn(function):
        import eventlet
        return eventlet.spawn(function)
    def join(greenlets):
        for greenlet in greenlets:
            greenlet.wait()
    def kill(greenlet):
        greenlet.kill()
    def sleep(seconds):
        import eventlet
        eventlet.sleep(seconds)
"""
GREEN = {"gevent": GEVENT, "eventlet": EVENTLET}


def run_green(library: str, *parts: str, url: str = "") -> str:
    """Run a script that may use the library's names; return its output."""
    head = f"URL = {url!r}"
    # Both libraries complain of what was imported, and of threads that ran, before.
    done = run_script(head, GREEN[library], *parts, command=[sys.executable])
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("library", LIBRARIES)
def test_many_greenlets_read_at_once_and_others_go_on(library: str) -> None:
    with meeting(20) as service:
        output = run_green(
            library,
            """
            patch()
            import turnout
            provider = turnout.get_provider("vLLM", base_url=URL)
            texts, beats = [], []
            def read():
                texts.append("".join(provider.stream("hi", model="m")))
            def beat():
                while True:
                    sleep(0.001)
                    beats.append(len(texts))
            spawn(beat)
            join([spawn(read) for _ in range(20)])
            print(set(texts), len(texts), 0 in beats)
            """,
            url=service.url,
        )

    assert output == "{'a b'} 20 True\n"


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "begun",
    [
        pytest.param("import turnout", id="after-the-import"),
        pytest.param(
            """
            import turnout, asyncio
            turnout.run(turnout.warm_up("vLLM"))
            turnout.run(asyncio.sleep(0))
            """,
            id="after-the-loop-began",
        ),
    ],
)
def test_a_process_may_be_patched_late(library: str, begun: str) -> None:
    with meeting(2) as service:
        output = run_green(
            library,
            begun,
            """
            patch()
            provider = turnout.get_provider("vLLM", base_url=URL)
            texts = []
            def read():
                reply = turnout.run(provider.complete("hi", model="m"))
                texts.append(reply.text)
            join([spawn(read), spawn(read)])
            print(texts)
            """,
            url=service.url.replace("127.0.0.1", "localhost"),  # A name to look up.
        )

    assert output == "['a b', 'a b']\n"


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_error_reaches_the_greenlet(library: str) -> None:
    output = run_green(
        library,
        """
        patch()
        import turnout
        provider = turnout.get_provider("vLLM", base_url="http://127.0.0.1:1/v1")
        def read():
            try:
                list(provider.stream("hi", model="m"))
            except turnout.ConnectError:
                print("not connected")
        join([spawn(read)])
        """,
    )

    assert output == "not connected\n"


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_greenlet_that_is_killed_closes_its_stream(library: str) -> None:
    output = run_green(
        library,
        "patch()",
        ENDLESS,
        """
        class Silent(Endless):
            async def generate(self, request):
                try:
                    yield "a"
                    await asyncio.Event().wait()
                finally:
                    closed.append("closed")
        begun, closed = [], []
        def read():
            for text in Silent().stream("Why?"):
                begun.append(text)
        def until(happened):
            while not happened:
                sleep(0.001)
        greenlet = spawn(read)
        until(begun)
        kill(greenlet)
        until(closed)
        print(closed)
        """,
    )

    assert output == "['closed']\n"


def test_an_event_loop_of_another_greenlet_is_not_in_the_way() -> None:
    output = run_green(
        "gevent",
        "patch()",
        ENDLESS,
        """
        import turnout
        begun, read = [], []
        async def main():
            begun.append(True)
            while not read:
                await asyncio.sleep(0.001)
            try:
                list(Endless().stream("Why?"))
            except turnout.ArgumentError as error:
                tell(error)
        def other():
            while not begun:
                sleep(0.001)
            texts = iter(Endless().stream("Why?"))
            read.append(next(texts))
            texts.close()
        join([spawn(lambda: asyncio.run(main())), spawn(other)])
        """,
    )

    assert "an event loop runs in this thread" in output


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_local_engine_lets_other_greenlets_go_on(library: str) -> None:
    # A server in place of llama.cpp's that blocks its thread as that does.
    output = run_green(
        library,
        "patch()",
        """
        import turnout
        from turnout_local import _shared
        class Server:
            def handle_chat_completions(self, body, callback):
                real = real_lock()
                held.append(real)
                real.acquire()
                piece = {"choices": [{"delta": {"content": "a"}}]}
                end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
                callback(piece)
                callback(end)
        def real_lock():
            from turnout.threads import new_lock
            lock = new_lock()
            lock.acquire()
            return lock
        held = []
        _shared.load = lambda settings: Server()
        texts = []
        def read():
            texts.append("".join(turnout.get_provider("Local").stream("hi")))
        greenlets = [spawn(read), spawn(read)]
        while len(held) < 2:
            sleep(0.001)
        for lock in held:
            lock.release()
        join(greenlets)
        print(texts)
        """,
    )

    assert output == "['a', 'a']\n"


APPLICATION = """
import os
import turnout
from flask import Flask, Response

provider = turnout.get_provider("vLLM", base_url=os.environ["SERVICE"])
if "BEGUN" in os.environ:  # Before the workers are forked, with --preload.
    turnout.run(turnout.warm_up("vLLM"))
app = Flask(__name__)


@app.get("/text")
def text():
    return "".join(provider.stream("hi", model="m"))


@app.get("/complete")
def complete():
    return turnout.run(provider.complete("hi", model="m")).text


@app.get("/stream")
def stream():
    return Response(iter(provider.stream("hi", model="m")), mimetype="text/plain")
"""


@contextmanager
def gunicorn(folder: Path, service: str, *options: str, **more: str) -> Generator[str]:
    """Serve the application with one worker; give its address."""
    (folder / "application.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "gunicorn", "application:app", "--workers", "1"]
    command += ["--bind", "127.0.0.1:0", "--chdir", str(folder), *options]
    with subprocess.Popen(
        command,
        env={**environment(), "SERVICE": service, **more},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        log: list[str] = []
        address = ""
        for line in process.stderr:
            log.append(line)
            if "Listening at: " in line:
                address = line.split("Listening at: ")[1].split()[0]
                break
        reading = threading.Thread(target=log.extend, args=(process.stderr,))
        reading.start()
        try:
            assert address, log
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            reading.join()
    assert process.returncode == 0, log
    assert not any("Traceback" in line for line in log), log


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return bytes(response.read()).decode()


@pytest.mark.parametrize(
    ("options", "more"),
    [
        pytest.param(["-k", "gevent"], {}, id="gevent"),
        pytest.param(["-k", "gevent", "--preload"], {}, id="gevent-preload"),
        pytest.param(
            ["-k", "gevent", "--preload"], {"BEGUN": "1"}, id="gevent-preload-begun"
        ),
        pytest.param(["-k", "gthread", "--threads", "8"], {}, id="threads"),
        pytest.param(
            ["-k", "gthread", "--threads", "8", "--preload"],
            {"BEGUN": "1"},
            id="threads-preload-begun",
        ),
    ],
)
def test_flask_answers_several_requests_at_once(
    tmp_path: Path, options: list[str], more: dict[str, str]
) -> None:
    with (
        meeting(6) as service,
        gunicorn(tmp_path, service.url, *options, **more) as address,
        ThreadPoolExecutor(6) as clients,
    ):
        urls = [f"{address}/{name}" for name in ("text", "complete", "stream") * 2]
        texts = list(clients.map(get, urls))

    assert texts == ["a b"] * 6


def test_flask_streams_an_answer_as_it_comes(tmp_path: Path) -> None:
    with (
        meeting(go_on=False) as service,
        gunicorn(tmp_path, service.url, "-k", "gevent") as address,
        urllib.request.urlopen(f"{address}/stream", timeout=PATIENCE) as response,
    ):
        first = response.read(1)
        service.go_on.set()

        assert (first, response.read()) == (b"a", b" b")
