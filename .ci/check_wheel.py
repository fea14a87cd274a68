"""Check that a wheel holds this repository's packages and nothing else.

A `.pth` file in a wheel runs at every start of the interpreter: it is how the worst
known attack on a library of this field worked.
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT / "core", ROOT / "providers")


def complaints(wheel: str) -> list[str]:
    """Return what is wrong with a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    packages = {path.name for source in SOURCES for path in source.iterdir()}
    found: list[str] = []
    for name in names:
        top = name.split("/")[0]
        if top.endswith(".dist-info"):
            continue
        if name.endswith(".pth") or top not in packages:
            found.append(f"{name} does not belong into the wheel")
        elif not any((source / name).is_file() for source in SOURCES):
            found.append(f"{name} is no file of the repository")
    found += [
        f"{package}/py.typed is missing"
        for package in sorted(packages)
        if f"{package}/py.typed" not in names
    ]
    return found


if __name__ == "__main__":
    wrong = complaints(sys.argv[1])
    print("\n".join(wrong) or f"{Path(sys.argv[1]).name}: good")
    sys.exit(bool(wrong))
