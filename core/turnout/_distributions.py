"""The entry points of installed packages, and which packages cannot be read.

`importlib.metadata.entry_points` fails as a whole if one package has broken metadata,
and of two installations of a package it takes the one that it sees first. Here each
distribution is read on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnout._frozen import frozen

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

__all__ = ["BrokenDistribution", "Installed", "identity", "installed", "unreadable"]


@frozen
class BrokenDistribution:
    """A distribution that is not used, and why."""

    name: str
    version: str
    reason: str


@frozen
class Installed:
    """The entry points of one group."""

    entry_points: tuple[EntryPoint, ...] = ()
    broken: tuple[BrokenDistribution, ...] = ()
    """Those that seem to have entry points of the group, which cannot be read."""
    unused: tuple[BrokenDistribution, ...] = ()
    """Further installations of a distribution that is used."""


def installed(group: str, own: tuple[str, str]) -> Installed:
    """Return the entry points of a group, each distribution's once.

    Args:
        group: The group.
        own: The name and the version of the distribution whose code is running. Of
            several installations of it the one of that version is used.
    """
    found: dict[str, list[tuple[Distribution, tuple[EntryPoint, ...]]]] = {}
    broken: list[BrokenDistribution] = []
    for distribution in _distributions():
        try:
            # Only what has the group is parsed: most packages have other ones.
            text = distribution.read_text("entry_points.txt") or ""
            if f"[{group}]" not in text:
                continue
            entries = tuple(distribution.entry_points.select(group=group))
        except Exception as error:  # noqa: BLE001 the parser raises all kinds
            if _mentions(distribution, group):
                broken.append(_broken(distribution, _entry_points_fault(error)))
            continue
        key = _folded(identity(distribution)[0])
        found.setdefault(key, []).append((distribution, entries))
    points: list[EntryPoint] = []
    unused: list[BrokenDistribution] = []
    for several in found.values():
        used = several[0]
        if len(several) > 1:
            folders = list(dict.fromkeys(map(_folder, (one for one, _ in several))))
            used = max(several, key=lambda one: _rank(one[0], own, folders))
            reason = f"{_described(used[0])} is used; remove the other one"
            unused += [_broken(one[0], reason) for one in several if one is not used]
        points += used[1]
    return Installed(
        entry_points=tuple(points), broken=tuple(broken), unused=tuple(unused)
    )


def unreadable() -> list[BrokenDistribution]:
    """Return each distribution with metadata that cannot be read, of any package."""
    broken: list[BrokenDistribution] = []
    for distribution in _distributions():
        fault = _metadata_fault(distribution)
        if fault is None:
            try:
                tuple(distribution.entry_points)
            except Exception as error:  # noqa: BLE001 the parser raises all kinds
                fault = _entry_points_fault(error)
        if fault is not None:
            broken.append(_broken(distribution, fault))
    return broken


def identity(distribution: Distribution | None) -> tuple[str, str]:
    """Return the name and the version of a distribution; "?" for what is not known.

    What its metadata lacks is taken from the name of its folder. That one comes second,
    as pip puts a tilde in it if it could not remove a package.
    """
    try:
        # By `get`: what is missing is None or an error, by Python's version.
        metadata: Any = getattr(distribution, "metadata", None) or {}
        name, version = metadata.get("Name"), metadata.get("Version")
    except Exception:  # noqa: BLE001 as when it is not UTF-8
        name = version = None
    path = _path(distribution)
    stem = path.stem if path is not None else ""
    named, _, rest = stem.partition("-")
    return str(name or named or "?"), str(version or rest.partition("-")[0] or "?")


def _distributions() -> Iterator[Distribution]:
    from importlib.metadata import distributions

    finder = iter(distributions())
    while True:
        try:
            distribution = next(finder)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 a finder of another package may raise anything
            return
        yield distribution


def _metadata_fault(distribution: Distribution) -> str | None:
    path = _path(distribution)
    if path is not None and path.suffix == ".dist-info" and not path.is_dir():
        return "it is not a folder"
    try:
        metadata: Any = distribution.metadata or {}
        lacks = [name for name in ("Name", "Version") if not metadata.get(name)]
    except Exception as error:  # noqa: BLE001 as when it is not UTF-8
        return f"its METADATA cannot be read: {_error(error)}"
    return f"its METADATA is missing or lacks {lacks[0]}" if lacks else None


def _entry_points_fault(error: Exception) -> str:
    return f"its entry_points.txt cannot be read: {_error(error)}"


def _error(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _mentions(distribution: Distribution, group: str) -> bool:
    """Return whether entry points that cannot be read may be of a group."""
    path = _path(distribution)
    if path is None:
        return True
    try:
        return group.encode() in (path / "entry_points.txt").read_bytes()
    except OSError:
        return True


def _broken(distribution: Distribution, reason: str) -> BrokenDistribution:
    name, version = identity(distribution)
    path = _path(distribution)
    where = f"{path}: " if path is not None else ""
    return BrokenDistribution(name=name, version=version, reason=f"{where}{reason}")


def _described(distribution: Distribution) -> str:
    return f"{' '.join(identity(distribution))} in {_folder(distribution)}"


def _path(distribution: Distribution | None) -> Path | None:
    """Return the folder of the metadata; None if it is not in a folder."""
    # There is no public way to it.
    path = getattr(distribution, "_path", None)
    return Path(str(path)) if path is not None else None


def _folder(distribution: Distribution) -> str:
    """Return the folder that a distribution is installed in."""
    return str(distribution.locate_file(""))


def _folded(name: str) -> str:
    """Return a name as packaging tools compare it."""
    parts = name.lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(filter(None, parts))


def _rank(
    distribution: Distribution, own: tuple[str, str], folders: list[str]
) -> tuple[bool, float, int, list[int]]:
    """Return how sure it is that an installation is the one that is imported."""
    name, version = identity(distribution)
    running = _folded(name) == own[0] and version == own[1]
    numbers = [int(part) for part in version.split(".") if part.isdecimal()]
    return (
        running,
        _intact(distribution),
        -folders.index(_folder(distribution)),
        numbers,
    )


def _intact(distribution: Distribution) -> float:
    """Return how much of an installation's code is there as it was installed.

    From 0 to 1, by the sizes in its RECORD. An editable installation, whose code is
    elsewhere, counts for more than one without a RECORD.
    """
    try:
        text = distribution.read_text("RECORD")
    except Exception:  # noqa: BLE001 as when it is not UTF-8
        return 0.0
    if text is None:
        return 0.25
    import csv  # Few distributions are there twice.

    rows = [row for row in csv.reader(text.splitlines()) if len(row) == 3]
    code = [(name, size) for name, _, size in rows if name.endswith(".py") and size]
    if not code:
        return 0.5
    return sum(_has_size(distribution, *one) for one in code) / len(code)


def _has_size(distribution: Distribution, name: str, size: str) -> bool:
    try:
        return str(Path(str(distribution.locate_file(name))).stat().st_size) == size
    except OSError:
        return False
