"""A service that answers when all have asked: one caller that blocks others hangs."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE = 60.0
"""Seconds to wait for the others; no test that passes waits for as long."""


class Meeting:
    """Answers "a" once so many requests are here, and " b" once `go_on` is set."""

    def __init__(self, requests: int) -> None:
        self._all = threading.Barrier(requests)
        self.go_on = threading.Event()
        self.url = ""

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        self._all.wait(PATIENCE)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(_event('{"delta": {"content": "a"}}'))
        handler.wfile.flush()
        self.go_on.wait(PATIENCE)
        handler.wfile.write(_event('{"delta": {"content": " b"}}'))
        handler.wfile.write(_event('{"delta": {}, "finish_reason": "stop"}'))
        handler.wfile.write(b"data: [DONE]\n\n")


def _event(choice: str) -> bytes:
    return f'data: {{"choices": [{{"index": 0, {choice[1:]}]}}\n\n'.encode()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # By default five connections wait to be accepted.


@contextmanager
def meeting(requests: int = 1, *, go_on: bool = True) -> Generator[Meeting]:
    """Give a service in OpenAI's form, in threads of this process."""
    shared = Meeting(requests)
    if go_on:
        shared.go_on.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            shared.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        shared.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield shared
        finally:
            shared.go_on.set()
            server.shutdown()
            thread.join()
