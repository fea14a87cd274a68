"""`turnout new-provider`: begin a provider package, from templates."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Self

import click

from turnout._app import App
from turnout._config import Config
from turnout._frozen import frozen
from turnout._registry import Registry
from turnout._version import VERSION
from turnout.cli._output import note, write
from turnout.cli._plugins import partial_app

__all__ = ["Names", "new_provider"]

# The words of `my-llm`, `My LLM`, `MyLLM2`. Digits end a word and do not begin one.
_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")

_OWN_NAME = re.compile(r"^turnout(?=$|[-_. ])")

_SEPARATORS = re.compile(r"[-_. ]+")


COMMON = {"pyproject.toml": "pyproject.toml", "README.md": "README.md"}
"""The templates of every package, by where they go."""

OWN_PROTOCOL = {
    "src/$module/__init__.py": "provider.py",
    "src/$module/_protocol.py": "protocol.py",
    "tests/test_$module.py": "test.py",
}

COMPATIBLE = {
    "src/$module/__init__.py": "compatible_provider.py",
    "tests/test_$module.py": "compatible_test.py",
}


@frozen
class Names:
    """What a provider is called in the places where it has a name."""

    provider: str
    """Its name, which is its class's as well."""
    distribution: str
    module: str
    model: str
    """An invented model's."""
    variable: str
    """The environment variable of its key."""

    @classmethod
    def derive(cls, name: str) -> Self | None:
        """Return the names that follow from one; None where none can.

        Args:
            name: As a user writes it: `my-llm`, `MyLlm`, `turnout-my-llm`. Capitals
                inside it stay as they are.
        """
        bare = _OWN_NAME.sub("", name.strip())
        bare = _SEPARATORS.sub(" ", bare).strip()
        words = _WORD.findall(bare)
        # What the words leave over is no letter, no digit, or of another alphabet.
        if not words or "".join(words) != bare.replace(" ", ""):
            return None
        provider = "".join(word[0].upper() + word[1:] for word in words)
        if not provider.isidentifier() or keyword.iskeyword(provider):
            return None
        slug = "-".join(words).lower()
        return cls(
            provider=provider,
            distribution=f"turnout-{slug}",
            module=f"turnout_{slug.replace('-', '_')}",
            model=f"{slug}-1",
            variable=f"{slug.replace('-', '_').upper()}_API_KEY",
        )


@click.command("new-provider")
@click.argument("name")
@click.option(
    "--path",
    "parent",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to make the package's folder in; the working directory's else.",
)
@click.option(
    "--openai-compatible",
    "compatible",
    is_flag=True,
    help="The service speaks as OpenAI's chat completions do: a row of data will do.",
)
def new_provider(name: str, parent: Path, compatible: bool) -> None:
    """Write a package with a provider in it, that works and has tests.

    NAME is the provider's, as in MyLlm or my-llm; one that is taken is refused.
    Nothing is overwritten.
    """
    names = Names.derive(name)
    if names is None:
        raise click.UsageError(
            f"{name!r} cannot name a provider; take ASCII letters and digits, a letter "
            "first, as in MyLlm or my-llm"
        )
    taken = _taken(name.strip(), names.provider)
    if taken is not None:
        raise click.ClickException(f"{taken}; take another name")
    folder = parent / names.distribution
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise click.ClickException(
            f"{str(folder)!r} is there already; take another name, or another --path"
        ) from None
    _scaffold(names, folder, COMPATIBLE if compatible else OWN_PROTOCOL)
    write(str(folder))
    note("Next:")
    for step in (
        f"cd {shlex.quote(str(folder))}",
        'pip install -e ".[test]"',
        "pytest",
        f"turnout resolve {names.provider}",
    ):
        note(step)
    note("Then fill in what is marked with TODO in src and tests.")
    note(
        f"To set the key: export {names.variable}=..., or api_key in turnout.toml "
        f"under [providers.{names.provider}]"
    )


def _taken(*names: str) -> str | None:
    """Return what has one of some names already; None where nothing has.

    It would never be asked by that name: turnout's own providers go before others of
    their names, and models before providers.
    """
    # Its own whatever the configuration lets in here: others have them all.
    own = App(Config(), own_only=True).load_all()
    here = partial_app()[0].registry
    found = (_bearer(registry, name) for registry in (own, here) for name in names)
    return next(filter(None, found), None)


def _bearer(registry: Registry, name: str) -> str | None:
    entry = registry.provider(name)
    if entry is not None:
        return f"there is a provider {entry.info.name!r} already, of {entry.plugin}"
    served = registry.serving(name)
    if served:
        return f"{name!r} is a model of provider {served[0].provider!r}"
    if name in registry.aliases:
        return f"{name!r} is an alias for {registry.aliases[name]!r}"
    return None


def _scaffold(names: Names, folder: Path, sources: Mapping[str, str]) -> None:
    """Write the package.

    Args:
        names: The provider's.
        folder: Where to; it is there and empty.
        sources: The templates of what is the kind's own, by where they go.
    """
    for to, template in {**COMMON, **sources}.items():
        _write(names, template, folder / Template(to).substitute(asdict(names)))
    (folder / "src" / names.module / "py.typed").touch()


def _write(names: Names, template: str, to: Path) -> None:
    source = files("turnout.cli") / "template" / f"{template}.in"
    text = Template(source.read_text(encoding="utf-8"))
    to.parent.mkdir(parents=True, exist_ok=True)
    values = {**asdict(names), "version": VERSION}
    to.write_text(text.substitute(values), encoding="utf-8", newline="\n")
