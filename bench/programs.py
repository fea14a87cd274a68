"""Whole programs, which are measured from their start to their end."""

from __future__ import annotations

from collections.abc import Mapping

from bench.cases import SIDE_BY_SIDE, VERSION
from bench.clients import BARE, RAW, TURNOUT
from bench.environments import PEERS, version_of
from bench.load import Load, text_of
from bench.measure import Figures
from bench.processes import ClientError, python_for, spent
from bench.rounds import Group

IMPORTS = {
    BARE: "aiohttp, orjson",
    TURNOUT: "turnout",
    VERSION: None,
    RAW: "asyncio, httptools, orjson",
    **{name: peer.modules for name, peer in PEERS.items()},
}
"""What a client's program imports to ask; None for a command of its own."""

DISTRIBUTIONS = {BARE: "aiohttp", TURNOUT: "turnout", RAW: "httptools"}
"""Which version tells of a client; a peer's is its own."""


def importing(clients: Group) -> Mapping[str, Figures]:
    """Measure a process that imports and ends."""
    (name,) = clients
    modules = IMPORTS[name]
    quiet = "import bench.loopback; bench.loopback.enforce(); " if name in PEERS else ""
    arguments = (
        ("-c", f"{quiet}import {modules}") if modules else ("-m", *VERSION.split())
    )
    seconds, _ = spent(python_for(name), *arguments)
    return {name: Figures(seconds=[seconds])}


def asking(port: int, clients: Group) -> Mapping[str, Figures]:
    """Measure a process that imports, asks once and ends."""
    (name,) = clients
    load = Load(events=20)
    address = f"http://127.0.0.1:{port}/{load}"
    arguments = ("-m", "bench.cold", name, SIDE_BY_SIDE, address)
    seconds, text = spent(python_for(name), *arguments)
    if text != text_of(load):
        raise ClientError(f"{name} answered another text: {text!r}")
    return {name: Figures(seconds=[seconds])}


def version_told(client: str) -> str:
    """Return the version of what a client is made of."""
    return version_of(python_for(client), DISTRIBUTIONS.get(client, client))
