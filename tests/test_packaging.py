"""The installed metadata matches the repository."""

from __future__ import annotations

import importlib
import re
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import turnout

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {path.parent.name for path in (ROOT / "providers").glob("*/__init__.py")}


def test_installed_entry_points_are_not_stale() -> None:
    declared = PYPROJECT["project"]["entry-points"]["turnout"]
    installed = {
        entry.name: entry.value
        for entry in entry_points(group="turnout")
        if entry.dist is not None and entry.dist.name == "turnout"
    }

    assert declared == installed, "run `pip install -e .` again"


def test_every_provider_folder_is_packaged_registered_and_fenced() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    registered = PYPROJECT["project"]["entry-points"]["turnout"].values()
    fenced = PYPROJECT["tool"]["importlinter"]["root_packages"]

    assert {Path(path).name for path in wheel} - {"turnout"} == FOLDERS
    assert {value.partition(".")[0] for value in registered} == FOLDERS
    assert set(fenced) - {"turnout"} == FOLDERS


def test_every_private_module_of_the_core_is_fenced() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    protected = next(c for c in contracts if c["type"] == "protected")
    core = ROOT / "core" / "turnout"
    private = {
        ".".join(path.relative_to(ROOT / "core").with_suffix("").parts)
        for folder in (core, core / "http")
        for path in folder.glob("_[!_]*.py")
    }

    assert private <= set(protected["protected_modules"])


def test_every_package_is_typed() -> None:
    for name in {"turnout", *FOLDERS}:
        file = importlib.import_module(name).__file__
        assert file is not None
        assert (Path(file).parent / "py.typed").is_file()


def test_the_version_is_one() -> None:
    assert version("turnout") == turnout.__version__


def test_the_changelog_begins_with_unreleased_changes() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.findall(r"^## \[(.*?)\]", text, re.MULTILINE)[0] == "Unreleased"


def test_the_readme_has_its_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert len(re.findall(r"^python3 -m venv ", text, re.MULTILINE)) == 2
