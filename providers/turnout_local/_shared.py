"""The engines of the process."""

from __future__ import annotations

import atexit
import threading
from functools import partial

from turnout_local._engine import Engine
from turnout_local._llama import Settings, load

__all__ = ["ENGINES", "Engines"]


class Engines:
    """One engine for each settings, so that a model is loaded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[Settings, Engine] = {}

    def get(self, settings: Settings) -> Engine:
        """Return the engine of these settings; nothing is loaded yet."""
        with self._lock:
            engine = self._engines.get(settings)
            if engine is None:
                if not self._engines:
                    atexit.register(self.close)
                engine = Engine(partial(load, settings), slots=settings.slots)
                self._engines[settings] = engine
            return engine

    def close(self) -> None:
        """Close all engines; their answers under way end."""
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
            engine.close()


ENGINES = Engines()
# State of the process, because that is whose memory the weights take: providers that
# know nothing of each other are to share them.
