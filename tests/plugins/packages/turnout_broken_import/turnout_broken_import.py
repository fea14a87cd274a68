"""It raises when it is imported."""

from __future__ import annotations

import os

with open(os.environ["PLUGIN_IMPORTS"], "a", encoding="utf-8") as record:
    record.write(f"{__name__}\n")

raise RuntimeError("its library is not installed")
