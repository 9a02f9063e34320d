"""Answers of web servers that come fast enough, and end.

The timeout of a socket limits how long it is silent, and neither how long an
answer takes nor how much it brings. Here both are watched where bytes arrive,
be they a file, the headers before it, or the page of a redirect.
"""

from __future__ import annotations

import io
import time
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

__all__ = ["TooLongError", "TooSlowError", "open_url"]

_SLOWEST = 10_000  # bytes a second
_PATIENCE = 30.0  # seconds of waiting over which that is measured
_HEADERS = 1 << 17  # bytes that an answer may have beside its content


class TooSlowError(OSError):
    """Report a connection that is not silent, but too slow to wait for."""


class TooLongError(OSError):
    """Report a connection that brings more than was asked for."""


def open_url(request: Request, timeout: float, most: int) -> Any:
    """Return the answer of a server, as `urllib.request.urlopen` does, by http and https only.

    Args:
        request: what is asked for.
        timeout: seconds without a byte before it is given up.
        most: how many bytes the content can have.

    Raises:
        OSError: if there is none; reading from it, too, raises TooSlowError and TooLongError.

    >>> open_url(Request("file:///etc/hosts"), 1.0, 100)
    Traceback (most recent call last):
    urllib.error.URLError: <urlopen error unknown url type: file>
    """
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        _OverHTTP(most),
        _OverHTTPS(most),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener.open(request, timeout=timeout)


class _OverHTTP(HTTPHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_connection, HTTPConnection, self._most), req)


class _OverHTTPS(HTTPSHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_connection, HTTPSConnection, self._most), req)


def _connection(
    kind: type[HTTPConnection], most: int, host: str, /, **options: Any
) -> HTTPConnection:
    connection: Any = kind(host, **options)
    connection.response_class = partial(_Answer, most=most)
    return connection


class _Answer(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, most: int, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(_Watched(self.fp.detach(), most + _HEADERS))


class _Watched(io.RawIOBase):
    """The bytes of a connection, until they are too many or come too slowly."""

    def __init__(self, raw: Any, most: int) -> None:
        self._raw = raw
        self._left = most
        self._waited = 0.0
        self._came = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        start = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        self._waited += time.monotonic() - start
        self._came += count or 0
        self._left -= count or 0
        if self._left < 0:
            raise TooLongError("more bytes came than the file can have")
        if self._waited >= _PATIENCE:
            if self._came < _SLOWEST * self._waited:
                raise TooSlowError(f"less than {_SLOWEST:,} bytes a second came")
            self._waited, self._came = 0.0, 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
