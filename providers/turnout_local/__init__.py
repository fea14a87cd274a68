"""Local, the embedded default: a small model on llama.cpp, in this process.

It needs no key, no network and no server: `pip install "turnout[local]"` brings the
engine, and `turnout local pull` the weights, of SmolLM2-135M-Instruct. That is a
small model, good for demonstrations, for smoke tests and as a last resort; what it
says is often wrong. Any other model that llama.cpp can run takes its place with
`turnout local pull --from FILE` or the option `model_path`.
"""

from turnout_local._options import LocalOptions
from turnout_local._provider import Local

__all__ = ["Local", "LocalOptions"]
