"""Files that are whole or not there: what stands under a name was written to its end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_UNFINISHED = ".part"


@contextmanager
def written_atomically(path: str | os.PathLike[str]) -> Generator[IO[bytes], None, None]:
    """Open a file for writing so that its name never stands for a part of the content.

    The content goes to a file beside it, is flushed to the disk at the end of
    the block, and takes the name at one stroke: whoever is killed or loses
    power before leaves the old file as it was. Folders that are missing are
    made, and a link is followed.

    Args:
        path: the file that is there after the block.

    Raises:
        OSError: if it cannot be written; nothing is left behind then.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "greeting")
    ...     with written_atomically(path) as file:
    ...         _ = file.write(b"hello")
    ...     path.read_bytes(), len(os.listdir(folder))
    (b'hello', 1)
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    try:
        with open(unfinished, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            unfinished.chmod(target.stat().st_mode & 0o777)
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def remove_unfinished(path: str | os.PathLike[str]) -> None:
    """Remove what writers of the file `path` left beside it when they were killed.

    Call it only where nobody else writes that file.
    """
    target = Path(os.path.realpath(path))
    length = len(target.name) + len(".12345678") + len(_UNFINISHED)
    with suppress(FileNotFoundError):
        for other in target.parent.iterdir():
            fits = other.name.startswith(f"{target.name}.") and other.name.endswith(_UNFINISHED)
            if fits and len(other.name) == length:
                other.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file outlast a loss of power, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
