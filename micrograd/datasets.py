"""Handwritten digits to train on: MNIST, and the small digits of scikit-learn.

Both loaders return `(x_train, t_train), (x_test, t_test)`, as that of *Deep
Learning from Scratch* does. No file is used before its content was checked.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import sys
import tempfile
import zlib
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import ArgumentError, DatasetError, MissingExtraError

__all__ = ["load_digits", "load_mnist", "read_idx"]

_Array = NDArray[Any]
_Pair = tuple[_Array, _Array]

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_TIMEOUT = 30.0  # seconds without a byte before the next mirror is tried

# By name, the SHA-256 of the decompressed content: mirrors may compress it differently.
_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_WAY_OUT = (
    "Name a folder that holds the four MNIST files, with load_mnist(folder=...) or the environment "
    "variable MICROGRAD_DATA, or use load_digits(), which needs no download."
)
_AXES = {2051: 3, 2049: 1}  # by magic number: images, labels


def load_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> tuple[_Pair, _Pair]:
    """Return MNIST as `(x_train, t_train), (x_test, t_test)`.

    The 60,000 + 10,000 images are read from `folder`, or else from the folder
    that the environment variable `MICROGRAD_DATA` names, or else from a cache
    of the user's, filled by download. A folder that you name holds the four
    files as published, `.gz` or decompressed, and is never changed.

    Args:
        normalize: give images as float32 in 0..1; otherwise uint8 in 0..255.
        flatten: give images the shape (n, 784); otherwise (n, 1, 28, 28).
        one_hot_label: give labels as float32 (n, 10); otherwise uint8 (n,).
        folder: the folder that holds the four files.
        progress: show the progress of a download, on stderr.

    Raises:
        DatasetError: a file is missing, damaged, or cannot be downloaded.

    Call it as `(x_train, t_train), (x_test, t_test) = load_mnist()`. A folder
    without the files is refused, and nothing is written to it:

    >>> load_mnist(folder="no such folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    micrograd.errors.DatasetError: ...
    """
    named = folder if folder is not None else os.environ.get("MICROGRAD_DATA") or None
    if named is not None:
        read = partial(_read_named, Path(named).expanduser())
    else:
        read = partial(_read_cached, _cache_folder(), progress=progress)
    x_train, t_train, x_test, t_test = [read(name) for name in _FILES]
    form = (normalize, flatten, one_hot_label)
    return _arrange(x_train, t_train, 255, *form), _arrange(x_test, t_test, 255, *form)


def load_digits(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    test_share: float = 0.2,
    seed: int = 0,
) -> tuple[_Pair, _Pair]:
    """Return scikit-learn's digits as `(x_train, t_train), (x_test, t_test)`.

    These 1,797 images of 8 x 8 pixels come with scikit-learn and need no
    download. The same seed always gives the same shuffled split.

    Args:
        normalize: give images as float32 in 0..1; otherwise uint8 in 0..16.
        flatten: give images the shape (n, 64); otherwise (n, 1, 8, 8).
        one_hot_label: give labels as float32 (n, 10); otherwise uint8 (n,).
        test_share: the share of the images that go into the test set.
        seed: the seed of the shuffle.

    Raises:
        ArgumentError: `test_share` leaves no image for training or for testing.
        MissingExtraError: scikit-learn is not installed.

    >>> (x_train, t_train), (x_test, t_test) = load_digits()
    >>> x_train.shape, t_train.shape, x_test.shape, t_test.shape
    ((1438, 64), (1438,), (359, 64), (359,))
    """
    images, labels = _sklearn_digits()
    tests = round(len(labels) * test_share) if 0 < test_share < 1 else 0
    if not 0 < tests < len(labels):
        raise ArgumentError(
            f"load_digits: test_share is {test_share!r}; expected a number between 0 and 1 "
            f"that leaves some of the {len(labels):,} images on either side."
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    form = (normalize, flatten, one_hot_label)
    return (
        _arrange(images[order[tests:]], labels[order[tests:]], 16, *form),
        _arrange(images[order[:tests]], labels[order[:tests]], 16, *form),
    )


def read_idx(content: bytes, name: str) -> _Array:
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
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _arrange(
    images: _Array, labels: _Array, largest: int, normalize: bool, flatten: bool, one_hot: bool
) -> _Pair:
    if normalize:
        images = np.divide(images, largest, dtype=np.float32)
    images = images.reshape(len(images), -1) if flatten else images[:, np.newaxis]
    return images, np.eye(10, dtype=np.float32)[labels] if one_hot else labels


def _sklearn_digits() -> _Pair:
    try:
        from sklearn import datasets  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise MissingExtraError(
            "load_digits needs scikit-learn: pip install 'micrograd-graph[demo]'"
        ) from error
    bunch = cast(Any, datasets.load_digits())  # pyright: ignore[reportUnknownMemberType]
    return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)


def _cache_folder() -> Path:
    if sys.platform == "win32":
        base, default = os.environ.get("LOCALAPPDATA"), "~/AppData/Local"
    elif sys.platform == "darwin":
        base, default = None, "~/Library/Caches"
    else:
        base, default = os.environ.get("XDG_CACHE_HOME"), "~/.cache"
    return Path(base or os.path.expanduser(default), "micrograd", "mnist")


def _read_named(folder: Path, name: str) -> _Array:
    try:
        for path in _present(folder, name):
            return _decode(path.read_bytes(), str(path), path.name)
        raise DatasetError(f"{folder} holds neither {name}.gz nor {name}.")
    except OSError as error:
        raise DatasetError(
            f"{error} Put the published file there, or have it downloaded by naming no folder "
            "(neither folder= nor MICROGRAD_DATA)."
        ) from error


def _read_cached(folder: Path, name: str, *, progress: bool) -> _Array:
    for path in _present(folder, name):
        try:
            return _decode(path.read_bytes(), str(path), path.name)
        except OSError:  # a DatasetError is one too
            with suppress(OSError):
                path.unlink()
    raw, array = _download(name, progress)
    try:
        _write_atomically(folder / f"{name}.gz", raw)
    except OSError as error:
        raise DatasetError(f"The cache {folder} cannot be written: {error}.\n{_WAY_OUT}") from error
    return array


def _present(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / f"{name}.gz", folder / name) if os.path.isfile(path)]


def _decode(raw: bytes, place: str, filename: str) -> _Array:
    """Return the array in a file's bytes if they are exactly the published content."""
    name = filename.removesuffix(".gz")
    content = raw if name == filename else _decompress(raw, place)
    array = read_idx(content, place)
    found = hashlib.sha256(content).hexdigest()
    if found != _FILES[name]:
        raise DatasetError(
            f"{place} is not as published: its SHA-256 is {found}; expected {_FILES[name]} "
            "(of the decompressed content)."
        )
    return array


def _decompress(raw: bytes, place: str) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        raise DatasetError(
            f"{place} is not a gzip file: it begins with the bytes '{raw[:2].hex(' ')}'; "
            "expected '1f 8b'."
        )
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{place} is truncated or altered: {len(raw):,} bytes came; expected a whole "
            f"gzip file ({error})."
        ) from error


def _download(name: str, progress: bool) -> tuple[bytes, _Array]:
    """Return a file, compressed and as an array, from the first mirror that has it whole."""
    failures: list[str] = []
    for mirror in _MIRRORS:
        url = f"{mirror}{name}.gz"
        try:
            raw = _fetch(url, progress)
            return raw, _decode(raw, url, f"{name}.gz")
        except (OSError, HTTPException) as error:
            failures.append(f"  {url}: {error or type(error).__name__}")
            if isinstance(error, HTTPError):
                error.close()
    raise DatasetError(
        f"{name}.gz could not be downloaded from any mirror:\n" + "\n".join([*failures, _WAY_OUT])
    )


def _fetch(url: str, progress: bool) -> bytes:
    with urlopen(url, timeout=_TIMEOUT) as response:
        if not progress:
            return response.read()
        try:
            from tqdm import tqdm
        except ImportError:
            print(f"Downloading {url}", file=sys.stderr)
            return response.read()
        bar = tqdm.wrapattr(  # pyright: ignore[reportUnknownMemberType]
            response, "read", total=response.length, desc=url.rpartition("/")[2]
        )
        with bar as reader:
            return b"".join(iter(lambda: reader.read(1 << 16), b""))


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that its name never stands for a part of the content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
