"""Servers on this machine that behave as mirrors do, the bad ones too."""

from __future__ import annotations

import functools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Files = dict[str, bytes]


class Handler(BaseHTTPRequestHandler):
    """Answer with a file; `promise NAME` in the files is what the length is that of.

    Args:
        files: the content by name.
        asked: gets the name of each file asked for.
        ranges: gets what part was asked for each time, None for the whole.
        resumes: whether this server can send a part.
        cut: after how many bytes it breaks the connection off each time.
        hold: after how many bytes it waits for an event.
    """

    def __init__(
        self,
        files: Files,
        asked: list[str],
        ranges: list[str | None],
        resumes: bool,
        cut: int | None,
        hold: tuple[threading.Event, int] | None,
        *args: Any,
    ) -> None:
        self.files, self.asked, self.ranges = files, asked, ranges
        self.resumes, self.cut, self.hold = resumes, cut, hold
        super().__init__(*args)

    def do_GET(self) -> None:
        name, part = self.path.rpartition("/")[2], self.headers["Range"]
        self.asked.append(name)
        self.ranges.append(part)
        if name not in self.files:
            self.send_error(404)
            return
        content, promised = self.files[name], self.files.get(f"promise {name}")
        start = 0
        if part and self.resumes:
            start = int(re.fullmatch(r"bytes=(\d+)-", part)[1])  # type: ignore[index]
            if start >= len(promised or content):
                self.send_error(416)
                return
        self.send_response(206 if part and self.resumes else 200)
        if part and self.resumes:
            whole = len(promised or content)
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(len(promised or content) - start))
        self.end_headers()
        content = content[start:][: self.cut]
        if self.hold:
            event, length = self.hold
            self.wfile.write(content[:length])
            event.wait(120)
            content = content[length:]
        with suppress(ConnectionError):  # who asked may be gone by now
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _talk(
    listening: socket.socket, stopped: threading.Event, speak: Callable[[socket.socket], None]
) -> None:
    while not stopped.is_set():
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        with connection, suppress(OSError):  # who asked may be gone by now
            connection.settimeout(20)
            connection.recv(1 << 16)
            speak(connection)


class Server:
    """Mirrors on this machine, and what they were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []
        self.stopped = threading.Event()
        self.talking: list[tuple[socket.socket, threading.Thread]] = []

    def serve(
        self,
        files: Files,
        *,
        resumes: bool = True,
        cut: int | None = None,
        hold: tuple[threading.Event, int] | None = None,
    ) -> str:
        handler = functools.partial(Handler, files, self.asked, self.ranges, resumes, cut, hold)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/mnist/"

    def talk(self, speak: Callable[[socket.socket], None]) -> str:
        """Serve by a function of each connection, once its request was read."""
        listening = socket.create_server(("127.0.0.1", 0))
        listening.settimeout(0.05)
        thread = threading.Thread(target=_talk, args=(listening, self.stopped, speak))
        thread.start()
        self.talking.append((listening, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/mnist/"

    def stop(self) -> None:
        self.stopped.set()
        for server, thread in self.running:
            server.shutdown()
            thread.join()
            server.server_close()
        for listening, thread in self.talking:
            thread.join()
            listening.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def closed_mirror() -> str:
    """Return an address where nobody answers: no server is given so low a port by chance."""
    return "http://127.0.0.1:1/"
