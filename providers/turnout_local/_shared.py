"""The engines of the process."""

from __future__ import annotations

import atexit
import os
from functools import partial

from turnout.errors import UnavailableError
from turnout.threads import new_lock
from turnout_local._engine import Engine
from turnout_local._llama import Settings, load

__all__ = ["ENGINES", "Engines"]


class Engines:
    """One engine for each settings, so that a model is loaded once.

    A process that was forked begins without any. It cannot load one if its parent had:
    llama.cpp has threads and locks for the whole process, which do not survive a fork.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._engines: dict[Settings, Engine] = {}
        self._was_loaded_before_fork = False

    def get(self, settings: Settings) -> Engine:
        """Return the engine of these settings; nothing is loaded yet.

        Raises:
            UnavailableError: This process was forked after a load.
        """
        if self._was_loaded_before_fork:
            raise UnavailableError(
                "the local model was loaded before this process was forked, and "
                "llama.cpp cannot run in the child; load it after the fork, or start "
                "processes with `spawn`"
            )
        with self._lock:
            engine = self._engines.get(settings)
            if engine is None:
                if not self._engines:
                    atexit.register(self.close)
                engine = Engine(partial(load, settings), slots=settings.slots)
                self._engines[settings] = engine
            return engine

    def release(self, settings: Settings, user: object) -> None:
        """Unload a model, if there is one and nobody else uses it."""
        engine = self._engines.get(settings)
        if engine is not None:
            engine.release(user)

    def close(self) -> None:
        """Close all engines; their answers under way end."""
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
            engine.close()

    def leave_with_the_parent(self) -> None:
        """Forget all engines; called in a process that was forked."""
        atexit.unregister(self.close)
        engines, self._engines = list(self._engines.values()), {}
        self._lock = new_lock()  # Another thread may have held the old one.
        if any(engine.load_begun for engine in engines):
            self._was_loaded_before_fork = True
            _end_without_destructors(engines)


def _end_without_destructors(engines: list[Engine]) -> None:
    """Let the process end, though llama.cpp waits for threads of the parent.

    Observed of xllamacpp 2026.10.11549 on 2026-11-30: its destructors hang in a child,
    those of its static objects too, which run at `exit`.
    """
    import ctypes

    for engine in engines:  # Never freed, so that its server is not destroyed.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
    libc = ctypes.CDLL(None)
    # Only glibc has it. What is registered last is called first.
    if hasattr(libc, "on_exit"):  # pragma: no branch
        libc.on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)


ENGINES = Engines()
# State of the process, because that is whose memory the weights take: providers that
# know nothing of each other are to share them.

# Windows has no forks.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=ENGINES.leave_with_the_parent)
