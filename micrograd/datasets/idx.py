"""The IDX format, in which MNIST was published: a magic number, lengths of axes, and bytes."""

from __future__ import annotations

import gzip
import io
import math
import zlib

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import DatasetError

__all__ = ["decompress", "read_idx"]

_AXES = {2051: 3, 2049: 1}  # by magic number: images, labels


def read_idx(content: bytes, name: str) -> NDArray[np.uint8]:
    """Return the array that the decompressed content of an IDX file holds.

    It is a writable uint8 array: images (n, rows, columns) or labels (n,).

    Args:
        content: the bytes of the whole file.
        name: what an error message shall call the file.

    Raises:
        DatasetError: the magic number or the length is wrong.

    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]), "labels")
    array([5, 0, 4], dtype=uint8)
    """
    magic = int.from_bytes(content[:4], "big")
    if magic not in _AXES:
        raise DatasetError(
            f"{name} is not an IDX file of images or labels: its magic number is {magic}; "
            "expected 2051 (images) or 2049 (labels)."
        )
    start = 4 + 4 * _AXES[magic]
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    length = start + math.prod(shape)
    if len(content) != length:
        raise DatasetError(
            f"{name} has {len(content):,} bytes (decompressed); "
            f"expected {length:,}, for its header says shape {shape}."
        )
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
    except ValueError as error:  # nothing, of axes that are too long
        raise DatasetError(
            f"{name} holds no array: its header says shape {shape}. NumPy says: {error}"
        ) from error


def decompress(raw: bytes, place: str, most: int = 2**32) -> bytes:
    """Return the content of a gzip file.

    Args:
        raw: the bytes of the file.
        place: what an error message shall call the file.
        most: how many bytes the content can have: a small file can hold any number.

    Raises:
        DatasetError: it is no gzip file, or not a whole one, or holds more than `most`.

    >>> decompress(gzip.compress(b"digits"), "labels.gz")
    b'digits'
    """
    if not raw.startswith(b"\x1f\x8b"):
        raise DatasetError(
            f"{place} is not a gzip file: it begins with the bytes '{raw[:2].hex(' ')}'; "
            "expected '1f 8b'."
        )
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            content = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{place} is truncated or altered: {len(raw):,} bytes came; expected a whole "
            f"gzip file ({error})."
        ) from error
    if len(content) > most:
        raise DatasetError(
            f"{place} is not as published: it holds more than the {most:,} bytes that its content "
            "can have."
        )
    return content
