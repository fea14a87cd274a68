"""A forked process cannot use its parent's streams; errors say so."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from tests.support.openai_server import OpenAIServer

from .subprocesses import ENDLESS, SLOW, output_of, run_script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")

# Since 3.12 Python warns of any fork of a process with threads.
COMMAND = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:This process"]

FORKED = f"""{SLOW}
    import os, sys
    import turnout
    def in_child(function):
        child = os.fork()
        if not child:
            try:
                print(function())
            except turnout.TurnoutError as error:
                print(type(error).__name__ + ": " + str(error))
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
"""

REFUSED = (
    "ArgumentError: the stream was begun before this process was forked, and its "
    "connection stays with the parent; ask again in this process\n"
)


def test_a_stream_that_is_read_synchronously_belongs_to_the_parent() -> None:
    output = output_of(
        ENDLESS,
        FORKED,
        """
        texts = iter(Endless().stream("Why?"))
        next(texts)
        sys.stdout.flush()
        in_child(lambda: next(texts))
        tell(f"parent {next(texts)}")
        """,
        command=COMMAND,
    )

    assert output == REFUSED + "parent a\nclosed\n"


@pytest.mark.parametrize("use", ["anext(texts)", "stream.collect()"])
def test_a_stream_of_an_event_loop_belongs_to_the_parent(use: str) -> None:
    output = output_of(
        ENDLESS,
        FORKED,
        f"""
        stream = Endless().stream("Why?")
        texts = aiter(stream.events()) if "anext" in {use!r} else None
        async def begin():
            if texts is None:
                await stream.__aenter__()
            else:
                await anext(texts)
        async def go_on():
            return await {use}
        loop = asyncio.new_event_loop()
        loop.run_until_complete(begin())
        sys.stdout.flush()
        in_child(lambda: loop.run_until_complete(go_on()))
        loop.run_until_complete(stream.aclose())
        loop.close()
        """,
        command=COMMAND,
    )

    assert REFUSED in output


@pytest.mark.parametrize("end", ["closed", "dropped"])
def test_a_child_may_close_or_drop_what_its_parent_reads(end: str) -> None:
    output = output_of(
        ENDLESS,
        FORKED,
        f"""
        stream = Endless().stream("Why?")
        def leave():
            global stream
            if {end!r} == "closed":
                asyncio.run(stream.aclose())
            del stream
            return "left"
        loop = asyncio.new_event_loop()
        loop.run_until_complete(stream.__aenter__())
        sys.stdout.flush()
        in_child(leave)
        print(loop.run_until_complete(anext(aiter(stream))), flush=True)
        loop.run_until_complete(stream.aclose())
        loop.close()
        """,
        command=COMMAND,
    )

    assert output == "left\na\nclosed\n"


def test_a_child_that_was_forked_by_a_coroutine_gets_the_error_too() -> None:
    output = output_of(
        ENDLESS,
        FORKED,
        """
        async def main():
            async with Endless().stream("Why?") as stream:
                child = os.fork()
                if not child:
                    try:
                        await stream.collect()
                    except turnout.ArgumentError as error:
                        tell(error)
                    os._exit(0)
                os.waitpid(child, 0)
        asyncio.run(main())
        """,
        command=COMMAND,
    )

    assert output == REFUSED.removeprefix("ArgumentError: ") + "closed\n"


def test_a_process_of_multiprocessing_can_send_requests() -> None:
    output = output_of(
        ENDLESS,
        """
        import multiprocessing
        def ask():
            texts = iter(Endless().stream("Why?"))
            tell(f"child {next(texts)}")
            texts.close()
        ask()
        child = multiprocessing.get_context("fork").Process(target=ask)
        child.start()
        child.join()
        tell(child.exitcode)
        """,
        command=COMMAND,
    )

    assert output.splitlines().count("child a") == 2
    assert "0" in output.splitlines()


async def test_a_child_uses_no_connection_of_its_parent() -> None:
    async with OpenAIServer() as server:
        done = await asyncio.to_thread(
            run_script,
            f"URL = {server.base_url!r}",
            FORKED,
            """
            import asyncio
            provider = turnout.get_provider("vLLM", base_url=URL)
            loop = asyncio.new_event_loop()
            def ask():
                return loop.run_until_complete(provider.complete("hi", model="m")).text
            print(ask())
            print(ask(), flush=True)
            in_child(ask)
            """,
            command=[sys.executable, "-W", "ignore"],
        )

        assert (done.returncode, done.stdout) == (0, "Hello there.\n" * 3), done
        assert len(server.connections) == 2


def test_a_child_can_send_requests_if_a_lock_was_held_at_the_fork() -> None:
    output = output_of(
        ENDLESS,
        FORKED,
        """
        from turnout import _background
        async def answer():
            return "answered"
        with _background._starting:
            in_child(lambda: turnout.run(answer()))
        """,
        command=COMMAND,
    )

    assert output == "answered\n"


LOCAL = """
    import threading
    from turnout_local import _shared
    class Server:
        def handle_chat_completions(self, body, callback):
            callback({"choices": [{"delta": {"content": "a"}}]})
            callback({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    _shared.load = lambda settings: Server()
    local = turnout.get_provider("Local")
    def ask():
        return "".join(local.stream("hi"))
"""


def test_the_local_model_is_refused_in_a_child_of_a_process_that_loaded_it() -> None:
    output = output_of(
        FORKED,
        LOCAL,
        """
        def leave():
            turnout.run(local.aclose())
            return "closed"
        print(ask(), flush=True)
        in_child(ask)
        in_child(leave)
        print(ask())
        """,
        command=COMMAND,
    )

    assert output == (
        "a\nUnavailableError: the local model was loaded before this process was "
        "forked, and llama.cpp cannot run in the child; load it after the fork, or "
        "start processes with `spawn`\nclosed\na\n"
    )


def test_the_local_model_is_loaded_in_a_child_of_a_process_that_did_not() -> None:
    output = output_of(
        FORKED,
        LOCAL,
        """
        local.engine
        in_child(ask)
        in_child(ask)
        """,
        command=COMMAND,
    )

    assert output == "a\na\n"


@pytest.mark.ci
def test_a_child_ends_after_the_real_model_was_loaded() -> None:
    output = output_of(
        FORKED,
        """
        local = turnout.get_provider("Local")
        def ask():
            return len("".join(local.stream("hi", max_tokens=1))) > 0
        ask()
        in_child(ask)
        in_child(lambda: "ended")
        """,
        command=COMMAND,
    )

    assert output.endswith("with `spawn`\nended\n")
