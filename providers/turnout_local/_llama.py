"""xllamacpp's server, set up for this process alone.

What was observed of xllamacpp 2026.10.11549 on 2026-11-22, on two cores:

- Loading takes 0.4 to 0.6 s. The constructor of `Server` holds Python's lock for all
  of it, whichever thread calls it: the event loop stands still once in the life of a
  process. Generating lets the lock go, and takes it for each callback alone.
- The memory of the process grows to 243 MB with two slots of 2048 tokens.
- One thread generates 40 to 50 tokens/s and reads 70 tokens of input a second,
  whatever the batch: with the default of 2048 a second stream would stand still for
  as long as the first one's input is read, and nothing could be cancelled meanwhile.
- Its threads spin while they wait for each other. Two of them on two idle cores give
  twice the speed, and a tenth of it where other work is on the cores.
- After a load, a child that was forked cannot use it, nor destroy it, nor end in the
  usual way: llama.cpp waits for threads that were not forked. The child can load the
  model again, but not unload it. See `_shared.py`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnout.errors import UnavailableError
from turnout_local._engine import Server
from turnout_local._weights import find

__all__ = ["Settings", "load", "missing"]

BATCH = 32
"""Tokens of input that are read at a time: half a second's work on one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server is loaded with; equal settings share one."""

    model_path: Path | None = None
    threads: int | None = None
    context_size: int
    slots: int


_INSTALL = 'type `pip install "turnout[local]"`, then `turnout local pull`'


def missing(model_path: Path | None) -> str | None:
    """Return which of the engine and the weights is not here, and what to type.

    The engine is looked for and not imported, the weights are looked at and not read.
    """
    try:
        found = importlib.util.find_spec("xllamacpp") is not None
    except (ImportError, ValueError):  # What find_spec raises of a broken package.
        found = False
    if not found:
        return f"the local model's engine is not here; {_INSTALL}"
    try:
        find(model_path)
    except UnavailableError as error:
        return str(error)
    return None


def load(settings: Settings) -> Server:
    """Return a server with the model loaded.

    Blocks for as long as that takes.

    Raises:
        UnavailableError: The engine or the weights are not installed, or the model
            cannot be loaded; the message says what to type.
    """
    try:
        # Not an import statement: the engine ships no types.
        xllamacpp: Any = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise UnavailableError(
            f"the local model's engine is not here ({error}); {_INSTALL}"
        ) from error
    found = find(settings.model_path)
    params = xllamacpp.CommonParams()
    params.model.path = str(found.path)
    params.n_parallel = settings.slots
    params.n_ctx = settings.context_size * settings.slots  # It is divided by slots.
    params.n_batch = params.n_ubatch = max(BATCH, settings.slots)
    threads = settings.threads or default_threads()
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0  # Else it keeps up to 8 GB of old conversations.
    params.warmup = False  # The first request does that.
    params.fit_params = False  # It would load the model twice to measure it.
    params.verbosity = -1  # Nothing goes to stderr: errors reach the caller.
    # It always listens on a loopback port. Nobody can know the key, and there is
    # nothing to see without one.
    params.api_keys = [secrets.token_urlsafe(32)]
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.ui = False
    params.n_threads_http = 1
    try:
        server: Server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise UnavailableError(
            f"the engine cannot load {str(found.path)!r} (from {found.reason}); the "
            "file is damaged, of a model that llama.cpp does not know, or too big "
            "for the memory. `turnout local pull --force` fetches the default one"
        ) from error
    return server


def default_threads() -> int:
    """Return half of the cores that this process may use, and one at least."""
    # Only Linux says which of them those are.
    allowed = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if allowed else os.cpu_count() or 1
    return max(1, cores // 2)
