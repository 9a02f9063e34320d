"""Servers that never end, or come to nothing: given up, and nothing is left of what they sent."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request

import numpy as np
import pytest

from micrograd.datasets import connection as module
from micrograd.datasets.connection import TooLongError, TooSlowError, open_url
from micrograd.datasets.download import download
from micrograd.errors import DatasetError
from tests.mirrors import Server, closed_mirror, server

__all__ = ["server"]

CONTENT = np.random.default_rng(0).bytes(300_000)
NAME = "data.bin"
MOST = 400_000
BLOCK = bytes(50_000)
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def check(content: bytes, place: str) -> None:
    if content != CONTENT:
        raise DatasetError(f"{place} is not as published")


def fetch(folder: Path, *mirrors: str) -> Path:
    return download([m + NAME for m in mirrors], folder / NAME, check, most=MOST, progress=False)


def says(*beginning: bytes, then: bytes, every: float = 0.0) -> Callable[[socket.socket], None]:
    """Return what a server does that says something, and then something else for ever."""

    def speak(connection: socket.socket) -> None:
        for words in beginning:
            connection.sendall(words)
        for words in repeat(then):
            connection.sendall(words)
            time.sleep(every)

    return speak


def chunked(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


ENDLESS = {
    "content": says(OK + b"\r\n", then=BLOCK),
    "chunks": says(OK + b"Transfer-Encoding: chunked\r\n\r\n", then=chunked(BLOCK)),
    "tiny chunks": says(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", then=chunked(BLOCK[:9]) * 1_000
    ),
    "a promise": says(OK + b"Content-Length: 1900000000\r\n\r\n", then=BLOCK),
    "a header": says(OK + b"X: ", then=BLOCK),
    "headers": says(OK, then=b"X: y\r\n" * 1_000),
    "answers to come": says(then=b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "the page of a redirect": says(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", then=BLOCK
    ),
    "a refusal": says(b"HTTP/1.1 404 Not Found\r\n\r\n", then=BLOCK),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_answer_is_left_for_the_next_mirror(
    tmp_path: Path, server: Server, name: str
) -> None:
    endless = server.talk(ENDLESS[name])
    with pytest.raises(DatasetError, match="could not be downloaded from any mirror"):
        fetch(tmp_path, endless)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MOST
    fetch(tmp_path, endless, server.serve({NAME: CONTENT}))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {NAME: CONTENT}


def test_what_is_too_long_says_so_and_leaves_nothing(tmp_path: Path, server: Server) -> None:
    for name in ("content", "a promise"):
        with pytest.raises(DatasetError, match="but the file can have no more than 400,000"):
            fetch(tmp_path, server.talk(ENDLESS[name]))
        assert list(tmp_path.iterdir()) == []


def test_more_than_was_promised_is_not_read(tmp_path: Path, server: Server) -> None:
    promise = f"Content-Length: {len(CONTENT)}\r\n\r\n".encode()
    fetch(tmp_path, server.talk(says(OK + promise, CONTENT, then=BLOCK)))
    assert (tmp_path / NAME).read_bytes() == CONTENT


DRIPPING = {
    "content": says(OK + b"\r\n", then=b"?", every=0.01),
    "content of a known length": says(
        OK + b"Content-Length: 300000\r\n\r\n", then=b"?", every=0.01
    ),
    "chunks": says(OK + b"Transfer-Encoding: chunked\r\n\r\n", then=chunked(b"?"), every=0.01),
    "a header": says(OK + b"X: ", then=b"?", every=0.01),
    "answers to come": says(then=b"HTTP/1.1 100 Continue\r\n\r\n", every=0.03),
}


@pytest.mark.parametrize("name", DRIPPING)
def test_a_mirror_that_drips_is_given_up(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.1)  # a few of the 1,000 bytes come in that
    with pytest.raises(DatasetError, match="less than 10,000 bytes a second came"):
        fetch(tmp_path, server.talk(DRIPPING[name]))


def test_what_came_before_it_dripped_is_kept_and_gone_on_with(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[int] = []

    def kept() -> int:
        return sum(path.stat().st_size for path in tmp_path.iterdir())

    def speak(connection: socket.socket) -> None:
        start = kept()
        starts.append(start)
        part = f"Content-Range: bytes {start}-299999/300000\r\n" if start else ""
        status = "206 Partial Content" if start else "200 OK"
        head = f"HTTP/1.1 {status}\r\n{part}Content-Length: {300_000 - start}\r\n\r\n"
        connection.sendall(head.encode())
        if start:
            connection.sendall(CONTENT[start:])
            return
        connection.sendall(CONTENT[:200_000])
        while kept() < 200_000:
            time.sleep(0.01)
        monkeypatch.setattr(module, "_PATIENCE", 0.1)
        for i in range(200_000, 300_000):
            connection.sendall(CONTENT[i : i + 1])
            time.sleep(0.01)

    mirror = server.talk(speak)
    with pytest.raises(DatasetError, match="kept: run it again to go on"):
        fetch(tmp_path, mirror)
    monkeypatch.setattr(module, "_PATIENCE", 30.0)
    fetch(tmp_path, mirror)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert starts[0] == 0
    assert starts[1] >= 200_000


# --- the pace, by a clock of its own ---


class Line(io.RawIOBase):
    """A connection that brings so many bytes after so many seconds."""

    def __init__(self, arrivals: Iterator[tuple[float, int]]) -> None:
        self.arrivals, self.now = arrivals, 0.0

    def readinto(self, buffer: Any) -> int:
        seconds, count = next(self.arrivals)
        self.now += seconds
        return count


def waited_for(monkeypatch: pytest.MonkeyPatch, arrivals: Any, reads: int) -> float:
    line = Line(iter(arrivals))
    monkeypatch.setattr(module.time, "monotonic", lambda: line.now)
    watched = vars(module)["_Watched"](line, 10**9)
    for _ in range(reads):
        try:
            watched.readinto(bytearray(1 << 16))
        except TooSlowError:
            break
    return line.now


def test_a_slow_line_is_waited_for_and_a_slower_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = waited_for(monkeypatch, repeat((1.0, 10_000)), 1_000)
    assert enough == 1_000
    assert waited_for(monkeypatch, repeat((1.0, 9_999)), 1_000) == 30
    assert waited_for(monkeypatch, repeat((0.5, 1)), 1_000) == 30
    assert (
        waited_for(monkeypatch, [*repeat((0.125, 10**5), 240), *repeat((0.5, 1), 999)], 999) == 60
    )
    bursts = [(29.0, 0), (0.5, 700_000)] * 50
    assert waited_for(monkeypatch, bursts, 100) == 29.5 * 50


def test_no_more_comes_through_than_was_asked_for(server: Server) -> None:
    answer = open_url(Request(server.talk(ENDLESS["content"])), 20.0, 1_000)
    with answer, pytest.raises(TooLongError):
        answer.read()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_where_nobody_answers_is_an_error_of_the_network(scheme: str) -> None:
    with pytest.raises(URLError, match="refused"):
        open_url(Request(closed_mirror().replace("http", scheme, 1)), 20.0, 1_000)


@pytest.mark.parametrize("address", ["file:///etc/hosts", "ftp://127.0.0.1/", "data:,x"])
def test_nothing_but_the_web_is_opened(server: Server, address: str) -> None:
    with pytest.raises(URLError, match="unknown url type"):
        open_url(Request(address), 20.0, 1_000)
    redirect = f"HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(URLError, match=r"not allowed|unknown url type"):
        open_url(Request(server.talk(lambda c: c.sendall(redirect))), 20.0, 1_000)
