"""The public names, and what importing turnout costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import turnout

PUBLIC = [
    "turnout",
    "turnout.errors",
    "turnout.routes",
    "turnout.framing",
    "turnout.generators",
    "turnout.hookspecs",
    "turnout.http",
    "turnout.provider",
    "turnout.streams",
    "turnout.testing",
    "turnout.types",
]


def public_names(module: ModuleType) -> set[str]:
    """Return the public names that a module defines, or that a package re-exports."""
    gathers = hasattr(module, "__path__")
    names: set[str] = set()
    nodes = list(ast.parse(inspect.getsource(module)).body)
    for node in nodes:
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body) if gathers:
                nodes += body
            case ast.ImportFrom(names=aliases) if gathers:
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.ImportFrom(names=aliases):
                # The form of a re-export: `from x import y as y`.
                names |= {alias.name for alias in aliases if alias.asname == alias.name}
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    names.discard("TYPE_CHECKING")
    return {n for n in names if not n.startswith("_") or n == "__version__"}


def as_ruff_sorts(name: str) -> tuple[int, str]:
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name


@pytest.mark.parametrize("name", PUBLIC)
def test_all_lists_the_public_names(name: str) -> None:
    module = importlib.import_module(name)

    assert module.__all__ == sorted(public_names(module), key=as_ruff_sorts)


@pytest.mark.parametrize("name", ["turnout.errors", "turnout.types"])
def test_the_face_has_every_value_and_error(name: str) -> None:
    module = importlib.import_module(name)
    # Few programs need the functions; most are for providers.
    apart = {
        "as_messages",
        "from_dict",
        "merged",
        "message_to_openai",
        "to_dict",
        "tool_to_openai",
    }

    assert set(module.__all__) - apart <= set(turnout.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_dir_has_every_name(name: str) -> None:
    module = importlib.import_module(name)

    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("name", PUBLIC)
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    module = importlib.import_module(name)

    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = module.nonsense


def test_no_module_shares_its_name_with_something_else() -> None:
    for found in pkgutil.walk_packages(turnout.__path__, "turnout."):
        # Some import click's commands, PyInstaller, or run the command line.
        if found.name.startswith(("turnout.cli", "turnout._pyinstaller")):
            continue
        if found.name.endswith("__main__"):
            continue
        parent, _, name = found.name.rpartition(".")
        module = importlib.import_module(found.name)

        assert getattr(importlib.import_module(parent), name) is module
        assert name not in getattr(importlib.import_module(parent), "__all__", ())


def test_a_star_import_gives_what_is_public() -> None:
    names: dict[str, object] = {}

    exec("from turnout import *", names)

    assert set(turnout.__all__) <= names.keys()


def test_the_version_is_public() -> None:
    assert turnout.__version__[0].isdecimal()


HEAVY = {
    "aiohttp",
    "asyncio",
    "click",
    "concurrent",
    "decimal",
    "email",
    "html",
    "http",
    "importlib.metadata",
    "json",
    "logging",
    "multiprocessing",
    "pathlib",
    "platformdirs",
    "pydantic",
    "pydantic_core",
    "rich",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "tomllib",
    "typing_extensions",
    "urllib.request",
    "zipfile",
}

MOST_MODULES = 95
"""That `import turnout` may load: a tenth more than it did with CPython 3.11."""


def modules_loaded_by(program: str) -> set[str]:
    """Return the modules that are imported after a program ran in a new process."""
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; before = set(sys.modules); {program}; "
            "loaded = set(sys.modules) - before; print(*loaded)",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_an_import_loads_few_modules() -> None:
    loaded = modules_loaded_by("import turnout")

    assert len(loaded) <= MOST_MODULES, sorted(loaded)


def test_an_import_needs_one_other_distribution() -> None:
    loaded = modules_loaded_by("import turnout")

    others = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others == {"turnout", "pluggy"}


LIGHT = [name for name in PUBLIC if name not in {"turnout.http", "turnout.testing"}]


@pytest.mark.parametrize("name", LIGHT)
def test_an_import_loads_nothing_heavy(name: str) -> None:
    assert modules_loaded_by(f"import {name}") & HEAVY == set()


def test_the_http_for_providers_loads_no_client_before_it_is_used() -> None:
    assert "aiohttp" not in modules_loaded_by("import turnout.http")


def test_the_testing_package_is_imported_only_on_request() -> None:
    loaded = modules_loaded_by("import turnout, turnout.cli, turnout.http")

    assert "turnout.testing" not in loaded


def test_testing_needs_no_test_runner_and_no_client() -> None:
    loaded = modules_loaded_by("import turnout.testing")

    assert loaded & {"_pytest", "aiohttp", "pytest", "turnout._app"} == set()


def test_an_import_makes_no_app_and_finds_no_plugin() -> None:
    loaded = modules_loaded_by("import turnout")

    assert "turnout._app" not in loaded
    assert "turnout._plugins" not in loaded
