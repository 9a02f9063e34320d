"""Downloads that go on where they were broken off, and are checked before they get their name.

What came of a file so far stands beside it, in a file of its own for each
address, since mirrors may differ. It takes the name of the whole at one stroke
once its content is right, so that a name never stands for a part.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from io import BufferedRandom
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from micrograd.datasets.connection import TooSlowError, open_url
from micrograd.datasets.progress import Progress
from micrograd.errors import DatasetError

try:
    import fcntl
except ImportError:  # where files cannot be locked so, each process has a file of its own
    fcntl = None

_TIMEOUT = 30.0  # seconds without a byte before the next mirror is tried
_PIECE = 1 << 16  # bytes
_ATTEMPTS = 5  # how often one mirror is asked, as long as each time brings more


class _BrokenOffError(DatasetError):
    """Report a connection that ended early; what came is kept."""


class _TooSlowError(_BrokenOffError):
    """Report a connection that is not worth to be tried again; what came is kept."""


class _UnreachableError(Exception):
    """Report what the network, and not the disk, made fail."""


def download(
    urls: Iterable[str],
    path: Path,
    check: Callable[[bytes, str], object],
    *,
    most: int,
    progress: bool = True,
) -> Path:
    """Fetch a file from the first address that has it whole and right, and return its path.

    A download that was broken off or killed goes on where it was, if the server
    can do that. Several processes may fetch one file at a time: one does and
    the others wait for it.

    Args:
        urls: where it can be had, to be tried in turn.
        path: the file; its folder is made if need be.
        check: called with the content and the address; it raises a
            `DatasetError` if the content is not the right one.
        most: how many bytes the file can have. A server that sends more, or
            takes longer than a slow line does, is left for the next.
        progress: show the progress, on stderr.

    Raises:
        DatasetError: if no address has it; the message says for each what happened.
        OSError: if the folder cannot be written to.

    Nothing is written where nothing came:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     download([], Path(folder, "labels.gz"), print, most=9)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    micrograd.errors.DatasetError: labels.gz could not be downloaded from any mirror:...
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    for url in urls:
        try:
            _fetch_from(url, path, check, most, progress)
        except (DatasetError, HTTPException, _UnreachableError) as error:
            failures.append(f"  {url}: {error or type(error).__name__}")
        else:
            _remove_parts(path)
            return path
    raise DatasetError(
        "\n".join([f"{path.name} could not be downloaded from any mirror:", *failures])
    )


def _fetch_from(
    url: str, path: Path, check: Callable[[bytes, str], object], most: int, progress: bool
) -> None:
    """Leave the file under its name, from one address."""
    part = _part(path, url)
    with _claimed(part, path, progress) as file:
        if file is None:  # another process has just brought it
            return

        def bring() -> None:
            _receive(url, file, most, progress)
            _settle(file, part, path, url, check)

        try:
            resumed = _size(file) > 0
            try:
                bring()
            except _BrokenOffError:
                raise
            except DatasetError:
                if not resumed:
                    raise
                file.truncate(0)  # what stood there was perhaps that of another file
                bring()
        except DatasetError as error:
            if not isinstance(error, _BrokenOffError):
                file.truncate(0)
            raise
        finally:
            if not file.closed and not _size(file):
                part.unlink(missing_ok=True)


def _settle(
    file: BufferedRandom, part: Path, path: Path, url: str, check: Callable[[bytes, str], object]
) -> None:
    """Check what came, and give it its name."""
    file.seek(0)
    check(file.read(), url)
    os.fsync(file.fileno())
    if fcntl is None:
        file.close()  # an open file cannot be renamed there
    os.replace(part, path)


def _receive(url: str, file: BufferedRandom, most: int, progress: bool) -> None:
    """Bring a file to its full length."""
    if _size(file) > most:
        file.truncate(0)
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(file)
        try:
            return _receive_once(url, file, most, progress)
        except _TooSlowError:
            raise
        except _BrokenOffError:
            if attempt == _ATTEMPTS or _size(file) <= before:
                raise


def _receive_once(url: str, file: BufferedRandom, most: int, progress: bool) -> None:
    start = _size(file)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = open_url(Request(url, headers=headers), _TIMEOUT, most)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # nothing lies beyond what is there
            return
        raise _UnreachableError(error) from error
    except OSError as error:
        raise _UnreachableError(error) from error
    with response:
        if _start(response) != start:
            start = 0
            file.truncate(0)
        length = response.length
        total = None if length is None else start + length
        _check_length(total, most)
        with Progress(url, start, total, progress) as bar:
            for piece in _pieces(response, length):
                start += len(piece)
                _check_length(start, most)
                file.write(piece)
                file.flush()
                bar.update(len(piece))
    if total is not None and _size(file) < total:
        missing = total - _size(file)
        raise _BrokenOffError(
            f"the connection broke off: {missing:,} more bytes expected of {total:,}"
        )


def _check_length(length: int | None, most: int) -> None:
    if length is not None and length > most:
        raise DatasetError(
            f"{length:,} bytes or more come, but the file can have no more than {most:,}"
        )


def _start(response: Any) -> int:
    """Return where in the file that begins which the server sends."""
    if response.status != 206:
        return 0
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    start = rest.partition("-")[0]
    return int(start) if unit == "bytes" and start.isdecimal() else -1


def _pieces(response: Any, length: int | None) -> Iterator[bytes]:
    """Yield what comes as it comes, to the end that the server promised."""
    left = math.inf if length is None else length
    while left:
        try:
            piece = response.read1(min(_PIECE, left))
        except TooSlowError as error:
            raise _TooSlowError(
                f"{error}, and what came is kept: run it again to go on from there"
            ) from error
        except (HTTPException, OSError) as error:
            raise _BrokenOffError(f"the connection broke off: {error}") from error
        if not piece:
            return
        left -= len(piece)
        yield piece


def _part(path: Path, url: str) -> Path:
    """Return the file for what came so far from an address."""
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    own = "" if fcntl else f".{os.getpid()}"
    return path.with_name(f"{path.name}.{digest}{own}.download")


@contextmanager
def _claimed(
    part: Path, path: Path, progress: bool
) -> Generator[BufferedRandom | None, None, None]:
    """Open a file for this process alone; give None if the whole came while we waited.

    The lock is the system's and ends with the process, however that ends.
    """
    known = _identity(path)
    while True:
        with open(part, "a+b") as file:
            _lock(file, path, progress)
            if _identity(path) != known:
                yield None
                return
            if fcntl is None or _identity(part) == _identity(file.fileno()):
                yield file
                return
        # The one we waited for took the file away: open it anew.


def _lock(file: BufferedRandom, path: Path, progress: bool) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if progress:
            print(f"Another process downloads {path.name}: waiting for it.", file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_EX)


def _identity(place: Path | int) -> tuple[int, int] | None:
    try:
        status = os.stat(place)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _size(file: BufferedRandom) -> int:
    return os.fstat(file.fileno()).st_size


def _remove_parts(path: Path) -> None:
    """Remove what came from other addresses, unless another process is at it."""
    for part in path.parent.glob(f"{path.name}.*.download"):
        with suppress(OSError), open(part, "ab") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
