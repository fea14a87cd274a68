"""One question, one answer."""

from __future__ import annotations

import asyncio
import io
import json
import re
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from turnout.cli._prompt import Attachment, message, prompt
from turnout.testing import refused_url
from turnout.types import AudioPart, VideoPart

from ...support.flowgpt_server import Answer, FlowGptServer, json_status
from .conftest import CommandLine


def events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@asynccontextmanager
async def started(
    inside: CommandLine, *arguments: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start a command that is talked to while it runs."""
    process = await asyncio.create_subprocess_exec(
        *inside.command(*arguments),
        cwd=inside.folder,
        env=inside.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def test_an_answer_ends_with_a_newline(turnout: CommandLine) -> None:
    done = turnout("chat", "-m", "Echo", "Hello", "world.")

    assert (done.stdout, done.stderr) == ("user=Hello world.|\n", "")
    assert done.returncode == 0


def test_the_options_go_with_the_request(inside: CommandLine) -> None:
    done = inside(
        "chat", "-m", "Echo", "-s", "Be brief.", "-o", "temperature=0.5", "--option",
        "max_tokens = 7", "Hi.",
    )  # fmt: skip

    assert done.stdout == ("system=Be brief.|user=Hi.|temperature=0.5 max_tokens=7|\n")


def test_what_is_piped_in_is_the_prompt(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Echo", stdin="\ufeffé from a pipe\n\n")

    assert done.stdout == "user=é from a pipe|\n"


def test_what_is_piped_in_follows_the_prompt(turnout: CommandLine) -> None:
    done = turnout("chat", "-m", "Echo", "Sum this up:", stdin="one\ntwo\n")

    assert done.stdout == "user=Sum this up:\n\none\ntwo|\n"


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        pytest.param([], None, "the prompt is empty", id="nothing"),
        pytest.param([" "], "\n", "the prompt is empty", id="blank"),
        pytest.param(["Hi"], b"\xff\xfe", "not UTF-8 text", id="bytes"),
        pytest.param(["Hi"], b"a\0b", "not UTF-8 text", id="NUL"),
    ],
)
def test_a_prompt_that_is_none_is_wrong_usage(
    inside: CommandLine, words: list[str], stdin: str | bytes | None, message: str
) -> None:
    done = inside("chat", "-m", "Echo", *words, stdin=stdin)

    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    "arguments", [("caf\udce9",), ("-s", "caf\udce9", "Hi")], ids=["prompt", "system"]
)
def test_words_that_are_not_utf_8_are_wrong_usage(
    inside: CommandLine, arguments: tuple[str, ...]
) -> None:
    done = inside("chat", "-m", "Echo", *arguments)

    assert done.returncode == 2
    assert "is not UTF-8; convert it" in done.stderr


def test_words_in_utf_8_are_read_in_any_locale(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Echo", "caf\udcc3\udca9")

    assert done.stdout == "user=café|\n"


def test_an_attached_text_that_is_not_utf_8_is_wrong_usage(
    inside: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_bytes("café".encode("cp1252"))

    done = inside("chat", "-m", "Echo", "-a", "notes.txt", "Hi")

    assert done.returncode == 2
    assert "notes.txt is not UTF-8 text; convert it" in done.stderr


def test_a_pipe_that_stays_open_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told, lines = threading.Event(), list[str]()

    class Open(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert told.wait(60)
            return b"piped"

    def note(line: str) -> None:
        lines.append(line)
        told.set()

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Open()))
    monkeypatch.setattr("turnout.cli._prompt.note", note)
    monkeypatch.setattr("turnout.cli._prompt._SILENT", 0.0)

    assert prompt(["Hi"]) == "Hi\n\npiped"
    assert lines == [
        "waiting for standard input to end; close it, or add `< /dev/null`"
    ]


def test_addresses_go_as_what_they_are(inside: CommandLine) -> None:
    done = inside(
        "chat", "-m", "Echo", "--json", "Hi",
        "-a", "https://x.example/photo",
        "-a", "HTTPS://x.example/photo.png?size=2",
        "-a", "http://x.example/paper.pdf",
    )  # fmt: skip

    assert events(done.stdout)[-1]["text"] == "user=Hi|ImagePart|ImagePart|FilePart|"


def test_sounds_and_videos_go_as_such(tmp_path: Path) -> None:
    (tmp_path / "bell.mp3").write_bytes(b"\xff\0")
    (tmp_path / "film.mp4").write_bytes(b"\xff\0")
    attachments: list[Attachment] = [
        tmp_path / "bell.mp3",
        tmp_path / "film.mp4",
        "https://x.example/bell.mp3",
        "https://x.example/film.mp4",
    ]

    content = message("Hi", attachments).content

    assert [*content][1:] == [
        AudioPart(data=b"\xff\0", media_type="audio/mpeg"),
        VideoPart(data=b"\xff\0", media_type="video/mp4"),
        AudioPart(url="https://x.example/bell.mp3"),
        VideoPart(url="https://x.example/film.mp4"),
    ]


@pytest.mark.parametrize("address", ["https://", "https://[x/a.png"])
def test_an_address_that_is_none_is_wrong_usage(
    inside: CommandLine, address: str
) -> None:
    done = inside("chat", "-m", "Echo", "-a", address, "Hi")

    assert done.returncode == 2
    assert f"'{address}' is not a valid address" in done.stderr


def test_the_first_code_block_is_extracted(inside: CommandLine) -> None:
    (inside.folder / "answer.md").write_text("So:\n\n```py\nx = 1\n```\n\n```\ny\n```")

    done = inside("chat", "-m", "Writer", "-x", "Hi")

    assert (done.stdout, done.stderr, done.returncode) == ("x = 1\n", "", 0)


def test_an_answer_without_a_code_block_is_an_error(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Down", "-m", "Echo", "-x", "Hi")

    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == (
        "Down: cannot reach down.example: its name is not known; asking Echo\n"
        "Error: the answer has no complete fenced code block\n"
    )


def test_an_answer_that_failed_is_not_extracted(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Torn", "-x", "Hi")

    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == "Error: Torn: the connection to torn.example was lost\n"


@pytest.mark.parametrize(
    ("other", "name"),
    [(["--json"], "--json"), (["--schema", "name"], "--schema")],
    ids=["json", "schema"],
)
def test_two_forms_are_wrong_usage(
    inside: CommandLine, other: list[str], name: str
) -> None:
    done = inside("chat", "-m", "Echo", "-x", *other, "Hi")

    assert done.returncode == 2
    assert f"-x and {name} exclude each other; give one of them" in done.stderr


def test_an_answer_of_a_schema_is_json(inside: CommandLine) -> None:
    (inside.folder / "answer.md").write_text('{"name": "é", "age": 7}')

    done = inside("chat", "-m", "Writer", "--schema", "name, age int", "Hi")

    assert done.stdout == '{\n  "name": "é",\n  "age": 7\n}\n'
    assert (done.stderr, done.returncode) == ("", 0)


def test_an_answer_that_does_not_fit_the_schema_is_an_error(
    inside: CommandLine,
) -> None:
    (inside.folder / "answer.md").write_text('{"name": 7}')

    done = inside("chat", "-m", "Writer", "--schema", "name", "Hi")

    assert (done.stdout, done.returncode) == ("", 1)
    assert "not what response_format asks for" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--schema", "name text"], "--schema: unknown type", id="type"),
        pytest.param(
            ["--schema", "name", "-o", "response_format={}"],
            "--schema and -o response_format are the same; give one of them",
            id="twice",
        ),
    ],
)
def test_a_wrong_schema_is_wrong_usage(
    inside: CommandLine, options: list[str], message: str
) -> None:
    done = inside("chat", "-m", "Echo", *options, "Hi")

    assert done.returncode == 2
    assert message in done.stderr


def test_usage_is_told_at_the_end(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Echo", "--usage", "Hi")

    assert done.stdout == "user=Hi|\n"
    assert re.fullmatch(
        r"Usage: 3 input tokens, 5 output tokens, \d+\.\d s\n", done.stderr
    )


def test_a_closed_standard_input_brings_nothing(inside: CommandLine) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *inside.command("chat", "-m", "Echo", "Hi")],
        cwd=inside.folder,
        env=inside.environment,
        capture_output=True,
        check=True,
    )

    assert done.stdout == b"user=Hi|\n"


def test_files_go_as_what_they_are(inside: CommandLine, tmp_path: Path) -> None:
    files = {
        "photo.PNG": b"\x89PNG",
        "drawing.svg": b"<svg/>",
        "notes.ts": "é".encode(),
        "paper.pdf": b"%PDF-1.4",
        "data": b"\xff\0",
    }
    arguments: list[str] = []
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        arguments += ["-a", name]

    done = inside("chat", "-m", "Echo", *arguments, "Look:")

    assert done.stdout == (
        "user=Look:\n\ndrawing.svg:\n\n<svg/>\n\nnotes.ts:\n\né|"
        "ImagePart|FilePart|FilePart|\n"
    )


def test_a_text_alone_needs_no_files(inside: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("seven")

    # It could not be asked at all where there were any.
    done = inside("chat", "-m", "Torn", "-a", "notes.txt", "x")

    assert done.stdout == "half an ans\n"


def test_a_file_that_is_not_there_is_wrong_usage(inside: CommandLine) -> None:
    done = inside("chat", "-a", "nowhere.txt", "x")

    assert done.returncode == 2
    assert "nowhere.txt" in done.stderr


def test_nobody_named_means_an_engine_in_this_process(inside: CommandLine) -> None:
    inside.configure('[plugins]\ndeny = ["Local"]\n')

    done = inside("chat", "Hi")

    assert done.stdout == "user=Hi|\n"
    assert done.stderr == (
        "Bare: the engine is not here; type `fetch it`; asking Engine\n"
    )


def test_nobody_to_ask_is_told_with_what_to_do(inside: CommandLine) -> None:
    inside.configure('[plugins]\ndeny = ["Local", "Scripted"]\n')

    done = inside("chat", "Hi")

    assert done.returncode == 1
    assert done.stderr == (
        "Error: no model was named, and no provider is ready (none has a key or runs "
        "in this process); name a model, or set a key\n"
    )


def test_an_engine_that_is_not_there_is_told_with_the_way_out(
    inside: CommandLine,
) -> None:
    inside.configure('[routes.default]\ntargets = ["Bare"]\n')

    done = inside("chat", "Hi")

    assert done.stderr == (
        "Error: the engine is not here; type `fetch it`; or set a key, such as "
        "ANTHROPIC_API_KEY or GEMINI_API_KEY or OPENAI_API_KEY; -m asks another model, "
        "`turnout models` lists them\n"
    )


def test_another_error_has_no_advice_on_keys(inside: CommandLine) -> None:
    inside.configure('[routes.default]\ntargets = ["Torn"]\n')

    done = inside("chat", "Hi")

    assert done.stderr == "Error: Torn: the connection to torn.example was lost\n"


def test_an_engine_that_was_named_is_told_as_it_is(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Bare", "Hi")

    assert done.stderr == "Error: the engine is not here; type `fetch it`\n"


def test_a_route_of_the_configuration_is_asked(inside: CommandLine) -> None:
    inside.configure('[routes.mine]\ntargets = ["Echo:echo-2"]\n')

    done = inside("chat", "--route", "mine", "--json", "Hi")

    assert events(done.stdout)[-1]["target"] == "Echo:echo-2"


def test_an_unknown_route_is_told_with_its_like(inside: CommandLine) -> None:
    inside.configure('[routes.mine]\ntargets = ["Echo"]\n')

    done = inside("chat", "--route", "mime", "Hi")

    assert done.returncode == 1
    assert done.stderr == (
        "Error: the configuration has no route 'mime'; did you mean 'mine'?\n"
    )


def test_a_route_and_a_target_are_wrong_usage(inside: CommandLine) -> None:
    done = inside("chat", "--route", "mine", "-m", "Echo", "Hi")

    assert done.returncode == 2
    assert "give one of them" in done.stderr


def test_an_unknown_target_is_told_with_its_like(inside: CommandLine) -> None:
    done = inside("chat", "-m", "ehco-1", "Hi")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "Error: unknown model 'ehco-1'; did you mean 'echo-1'"
    )
    assert done.stderr.count("\n") == 1


def test_an_unknown_target_like_none_is_told_with_what_to_type(
    inside: CommandLine,
) -> None:
    done = inside("chat", "-m", "zzzz", "Hi")

    assert done.stderr == (
        "Error: unknown model 'zzzz'; `turnout models` lists the models\n"
    )


def test_a_wrong_option_is_wrong_usage(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Echo", "-o", "temprature=1", "Hi")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.endswith(
        "Error: -o: unknown option 'temprature'; did you mean 'temperature'?\n"
    )


def test_a_target_that_cannot_be_asked_is_told(turnout: CommandLine) -> None:
    done = turnout("chat", "-m", "Down", "-m", "Echo", "Hi")

    assert done.stdout == "user=Hi|\n"
    assert done.stderr == (
        "Down: cannot reach down.example: its name is not known; asking Echo\n"
    )


def test_a_target_that_is_passed_over_is_told(inside: CommandLine) -> None:
    done = inside(
        "chat", "-m", "Down", "-m", "Slow", "-m", "Echo", "-o", "temperature=0", "Hi"
    )

    assert done.stderr.splitlines() == [
        "Down:down-1 does not support temperature; leave that out or ask another "
        "target",
        "Slow:slow-1 does not support temperature; leave that out or ask another "
        "target; asking Echo",
    ]


def test_models_of_one_provider_are_told_apart(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Down", "-m", "Down:down-2", "Hi")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Down:down-1: cannot reach down.example: its name is not known; asking "
        "Down:down-2",
        "Down:down-2: cannot reach down.example: its name is not known",
        "Error: no target answered; `turnout doctor` looks for the cause",
    ]


def test_plugins_hear_of_attempts_too(inside: CommandLine) -> None:
    inside.install("Listener", "Scripted")

    done = inside("chat", "-m", "Down", "-m", "Echo", "Hi")

    assert done.stdout == "user=Hi|\n"
    assert done.stderr.splitlines() == [
        "heard: Down:down-1 running",
        "heard: Down:down-1 failed",
        "heard: Echo:echo-1 running",
        "Down: cannot reach down.example: its name is not known; asking Echo",
        "heard: Echo:echo-1 complete",
    ]


def test_an_empty_answer_is_an_error(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Mute", "Hi")

    assert (done.stdout, done.returncode) == ("", 1)
    assert "has neither text nor a tool call" in done.stderr


def test_an_empty_answer_that_is_allowed_shows_nothing(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Mute", "-o", "allow_empty=true", "Hi")

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_an_answer_that_broke_is_shown_and_an_error(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Torn", "Hi")

    assert done.returncode == 1
    assert done.stdout == "half an ans\n"
    assert done.stderr == "Error: Torn: the connection to torn.example was lost\n"


def test_a_refusal_is_followed_by_the_next_target(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Down", "-m", "Strict", "-m", "Echo", "Hi")

    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "Down: cannot reach down.example: its name is not known; asking Strict",
        "Strict rejected the request: [2Jno never; asking Echo",
    ]


def test_text_passes_through_a_pipe_as_it_is(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Rich", "Hi")

    assert (
        done.stdout
        == "\x1b[31mred\x1b[0m \x9b5m\u2028\u202e\u200btxt\r\x07\ttab é\n?\n"
    )
    assert done.stderr == ("the answer is cut off: it reached the limit of tokens\n")


def test_text_on_a_terminal_has_nothing_to_obey(inside: CommandLine) -> None:
    inside.environment["NO_COLOR"] = "1"

    with inside.terminal("chat", "-m", "Rich", "--raw", "Hi") as terminal:
        assert terminal.end() == 0

    assert terminal.screen == (
        "Reasoning:\nhm\n\n[31mred[0m 5mtxt\ttab é\n?\n"
        "the answer is cut off: it reached the limit of tokens\n"
    )


def test_json_has_a_line_for_each_event_and_the_reply(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Down", "-m", "Rich", "--json", "Hi")

    *parts, reply = events(done.stdout)
    assert [part["type"] for part in parts] == [
        "reasoning_delta",
        "tool_call_delta",
        "text",
        "usage",
        "finish",
    ]
    assert parts[1] == {
        "type": "tool_call_delta",
        "index": 0,
        "id": "c1",
        "name": "f",
        "arguments": "{}",
        "kind": None,
        "item": None,
    }
    assert (
        parts[2]["text"]
        == "\x1b[31mred\x1b[0m \x9b5m\u2028\u202e\u200btxt\r\x07\ttab é\n\ud83d"
    )
    assert parts[4]["details"]["why"] == "Rich:rich-1"
    assert reply["type"] == "reply"
    assert reply["text"] == parts[2]["text"]
    assert reply["reasoning"] == "hm"
    assert reply["tool_calls"] == [
        {
            "id": "c1",
            "name": "f",
            "arguments": "{}",
            "kind": "function",
            "item": None,
            "extra": None,
        }
    ]
    assert reply["finish_reason"] == "length"
    assert reply["usage"]["input_tokens"] == 1
    assert reply["target"] == "Rich:rich-1"
    failed, complete = reply["attempts"]
    assert failed["error"]["type"] == "ConnectError"
    assert complete["outcome"] == "complete"
    assert done.stderr.count("\n") == 1


def test_what_is_not_text_is_noted_after_the_answer(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Sourced", "Hi")

    assert done.stdout == "Bees dance.\n"
    assert done.stderr.splitlines() == [
        "an image (image/png, 12 kB); --json gives its bytes",
        "a sound (audio/wav, 3 bytes); --json gives its bytes; what is said in it: Bzz",
        "a video (video/mp4): https://bees.example/v",
        "a file (1 byte); --json gives its bytes",
        "a sound; what is said in it: Words.",
        "source 1: https://bees.example On[2J bees",
        "source 2: notes.pdf",
    ]


def test_json_has_the_sources_the_images_and_the_reported_cost(
    inside: CommandLine,
) -> None:
    done = inside("chat", "-m", "Sourced", "--json", "Hi")

    *parts, reply = events(done.stdout)
    citation, media = parts[1], parts[6]
    assert citation["type"] == "citation"
    assert citation["url"] == "https://bees.example"
    assert media["type"] == "media_delta"
    assert media["data"] == b64encode(b"3" * 11_998).decode()
    assert done.stderr == ""
    assert len(reply["citations"]) == 4
    data = b64encode(b"12" + b"3" * 11_998).decode()
    assert reply["media"][0]["url"] == f"data:image/png;base64,{data}"
    assert reply["media"][1]["transcript"] == "Bzz"
    assert reply["media"][2]["url"] == "https://bees.example/v"
    assert reply["items"] == [{"type": "web_search_call"}]
    assert Decimal(reply["usage"]["cost"]) == Decimal("0.00000012")


def test_json_ends_with_the_error_where_there_is_one(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Torn", "--json", "Hi")

    assert done.returncode == 1
    _, last = events(done.stdout)
    assert last["type"] == "error"
    assert last["error"]["type"] == "StreamTruncatedError"
    assert last["error"]["message"] == "the connection to torn.example was lost"
    assert last["reply"]["text"] == "half an ans"


def test_json_says_what_each_target_said(inside: CommandLine) -> None:
    done = inside("chat", "-m", "Down", "-m", "Down:down-2", "--json", "Hi")

    (last,) = events(done.stdout)
    assert last["error"]["type"] == "FallbackError"
    assert last["error"]["message"].startswith("no target answered: Down:down-1: ")
    assert "sub-exceptions" not in last["error"]["message"]


def test_a_reader_that_leaves_ends_the_answer_quietly(inside: CommandLine) -> None:
    process = subprocess.Popen(
        inside.command("chat", "-m", "Endless", "Hi"),
        cwd=inside.folder,
        env=inside.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None

    line = process.stdout.readline()
    process.stdout.close()

    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 1
    assert line == b"line\n"


async def test_text_is_shown_as_it_comes(inside: CommandLine) -> None:
    hold = asyncio.Event()
    answer = Answer(pieces=("Par", "is"), holds={1: hold})
    async with FlowGptServer(answer) as server:
        inside.configure(f'[providers.FlowGpt]\nbase_url = "{server.base_url}"\n')
        async with started(inside, "chat", "-m", "FlowGpt", "Hi") as process:
            assert process.stdout is not None

            first = await process.stdout.readexactly(3)
            hold.set()
            rest = await process.stdout.read()

            assert await process.wait() == 0

    assert (first, rest) == (b"Par", b"is\n")
    assert server.refusals == []


async def test_a_fallback_is_told_before_the_next_answer(inside: CommandLine) -> None:
    hold = asyncio.Event()
    async with FlowGptServer(Answer(pieces=("Paris",), holds={0: hold})) as server:
        with refused_url() as refused:
            inside.configure(
                f'[providers.Second]\nplugin = "FlowGpt"\n'
                f'base_url = "{server.base_url}"\n'
                f'[providers.FlowGpt]\nbase_url = "{refused}"\n'
            )
            async with started(
                inside, "chat", "-m", "FlowGpt", "-m", "Second", "Hi"
            ) as process:
                assert process.stdout is not None
                assert process.stderr is not None

                told = [await process.stderr.readline() for _ in range(2)]
                hold.set()
                answer = await process.stdout.read()

    failed = f"FlowGpt: cannot reach {refused.removeprefix('http://')}: "
    assert [line.decode().removeprefix(failed) for line in told] == [
        "Connection refused; asking it again\n",
        "Connection refused; asking Second\n",
    ]
    assert answer == b"Paris\n"


async def test_a_services_refusal_is_told(inside: CommandLine) -> None:
    async with FlowGptServer(
        json_status(503, "busy \x1b[5m", retry_after="0")
    ) as server:
        inside.configure(f'[providers.FlowGpt]\nbase_url = "{server.base_url}"\n')
        async with started(inside, "chat", "-m", "FlowGpt", "Hi") as process:
            output, errors = await process.communicate()

    assert process.returncode == 1
    assert output == b""
    assert errors.decode() == (
        "FlowGpt is overloaded (status 503); it may be asked again in 0 s: busy [5m; "
        "asking it again\n"
        "Error: FlowGpt is overloaded (status 503); it may be asked again in 0 s: busy "
        "[5m\n"
    )


async def test_identical_failures_of_a_target_are_noted_once(
    inside: CommandLine,
) -> None:
    async with FlowGptServer(json_status(500, "busy")) as server:
        inside.configure(f'[providers.FlowGpt]\nbase_url = "{server.base_url}"\n')
        async with started(inside, "chat", "-m", "FlowGpt", "Hi") as process:
            _, errors = await process.communicate()

    assert len(server.requests) == 4
    failure = "FlowGpt failed (status 500): busy"
    assert errors.decode() == f"{failure}; asking it again\nError: {failure}\n"


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
async def test_an_interruption_closes_the_connection(
    inside: CommandLine, form: list[str]
) -> None:
    answer = Answer(pieces=("Par", "is"), holds={1: asyncio.Event()})
    async with FlowGptServer(answer) as server:
        inside.configure(f'[providers.FlowGpt]\nbase_url = "{server.base_url}"\n')
        async with started(inside, "chat", "-m", "FlowGpt", *form, "Hi") as process:
            assert process.stdout is not None
            first = await process.stdout.read(100)

            process.send_signal(signal.SIGINT)
            rest, errors = await process.communicate()

            connection = await server.wait_connection()
            await connection.wait_peer_closed()

    assert process.returncode == 130
    assert first.startswith(b'{"type": "text"' if form else b"Par")
    assert (rest, errors) == (b"" if form else b"\n", b"\n")


async def test_an_interruption_that_is_ignored_stops_nothing(
    inside: CommandLine,
) -> None:
    hold = asyncio.Event()
    async with FlowGptServer(Answer(pieces=("Par", "is"), holds={1: hold})) as server:
        inside.configure(f'[providers.FlowGpt]\nbase_url = "{server.base_url}"\n')
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            'trap "" INT; exec "$@"',
            "sh",
            *inside.command("chat", "-m", "FlowGpt", "Hi"),
            cwd=inside.folder,
            env=inside.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        first = await process.stdout.read(100)

        process.send_signal(signal.SIGINT)
        hold.set()
        rest, _ = await process.communicate()

    assert process.returncode == 0
    assert first + rest == b"Paris\n"


def test_an_interruption_of_an_import_ends_quietly(turnout: CommandLine) -> None:
    (turnout.folder / "site" / "click.py").write_text("raise KeyboardInterrupt")

    done = turnout("chat", "Hi")

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 130)


def test_any_thread_can_ask(inside: CommandLine) -> None:
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(inside, "chat", "-m", "Echo", "Hi").result()

    assert (done.stdout, done.returncode) == ("user=Hi|\n", 0)
