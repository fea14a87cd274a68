"""Make the peers' virtual environments, each with one of them and what it needs.

    python -m bench.environments [--again] [NAME ...]

They are in `.venv-bench/`, which git ignores, and hold the newest release that the
package index has. A peer that cannot be installed is reported and left out of the
tables.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".venv-bench"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A library that turnout is measured beside."""

    requirement: str
    modules: str
    """What a program imports to ask."""


PEERS = {
    "openai": Peer(requirement="openai", modules="openai"),
    "litellm": Peer(requirement="litellm", modules="litellm"),
    "any-llm-sdk": Peer(requirement="any-llm-sdk[openai]", modules="any_llm"),
    "pydantic-ai-slim": Peer(
        requirement="pydantic-ai-slim[openai]",
        modules="pydantic_ai, pydantic_ai.models.openai",
    ),
    "llm": Peer(requirement="llm", modules="llm.default_plugins.openai_models"),
    "langchain-openai": Peer(
        requirement="langchain-openai", modules="langchain_openai"
    ),
    "g4f": Peer(requirement="g4f", modules="g4f.client.factory"),
}
"""By the name of the distribution."""


def python_of(peer: str) -> Path:
    """Return the interpreter of a peer's environment, which may not be there."""
    return FOLDER / peer / "bin" / "python"


def installed() -> list[str]:
    """Return the peers that can be measured."""
    return [peer for peer in PEERS if (FOLDER / peer / "installed").exists()]


def version_of(python: str | Path, distribution: str) -> str:
    """Return the version of what is installed in an environment."""
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    done = subprocess.run(
        [python, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def make(name: str) -> bool:
    """Make a peer's environment; return whether that went well."""
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", FOLDER / name],
        [python_of(name), "-m", "pip", "install", "--quiet", PEERS[name].requirement],
    )
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            return False
    # Not before all of it is there: half an environment is none.
    (FOLDER / name / "installed").touch()
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Install what turnout is measured by.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--again", action="store_true", help="make them again")
    options = parser.parse_args()
    unknown = set(options.names) - set(PEERS)
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    for name in options.names or PEERS:
        if not options.again and name in installed():
            status = "is there"
        else:
            status = "installed" if make(name) else "CANNOT BE INSTALLED, is left out"
        version = version_of(python_of(name), name) if name in installed() else ""
        print(name, version, status, flush=True)


if __name__ == "__main__":
    main()
