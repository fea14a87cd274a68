"""FlowGPT keeps the contract of every provider."""

from __future__ import annotations

from turnout.testing import ProviderContract, WireAnswer, json_lines
from turnout_flowgpt import FlowGpt


def line(piece: str) -> bytes:
    return json_lines({"event": "text", "data": piece})


class TestFlowGpt(ProviderContract):
    provider = FlowGpt
    content_type = "text/plain; charset=utf-8"
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (json_lines({"event": "metadata", "data": {"id": "7b2"}}),),
                (line("The capital"), "The capital"),
                (line(" is \u2028Pa"), " is \u2028Pa"),
                (line("ris 🗼."), "ris 🗼."),
            ),
        ),
        WireAnswer(name="short", pieces=((line("Hi"), "Hi"),)),
    )
