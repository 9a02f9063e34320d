"""Handwritten digits to train on: MNIST, and the small digits of scikit-learn.

Both loaders return `(x_train, t_train), (x_test, t_test)`, as that of *Deep
Learning from Scratch* does. No file is used before its content was checked.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micrograd.datasets.download import download
from micrograd.datasets.idx import decompress, read_idx
from micrograd.errors import ArgumentError, DatasetError, extra

_Array = NDArray[Any]
_Pair = tuple[_Array, _Array]

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class Published(NamedTuple):
    """The decompressed content of a file: mirrors may compress it differently.

    Attributes:
        size: its bytes.
        sha256: their check sum.
    """

    size: int
    sha256: str


FILES = {
    "train-images-idx3-ubyte": Published(
        47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": Published(
        60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte": Published(
        7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": Published(
        10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}
_WAY_OUT = """\
Without a network, fetch these four files on another machine, for instance from
  {mirror}
and put them, as they are, into {folder} (or into another folder, to be named
with load_mnist(folder=...) or the environment variable MICROGRAD_DATA):
  {files}
Or use load_digits(), which needs no download. What has come so far is kept."""


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
        read = partial(_read_cached, cache_folder(), progress=progress)
    x_train, t_train, x_test, t_test = [read(name) for name in FILES]
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


def _arrange(
    images: _Array, labels: _Array, largest: int, normalize: bool, flatten: bool, one_hot: bool
) -> _Pair:
    if normalize:
        images = np.divide(images, largest, dtype=np.float32)
    images = images.reshape(len(images), -1) if flatten else images[:, np.newaxis]
    return images, np.eye(10, dtype=np.float32)[labels] if one_hot else labels


def _sklearn_digits() -> _Pair:
    extra("sklearn", "load_digits")
    bunch = extra("sklearn.datasets", "load_digits").load_digits()
    return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)


def cache_folder() -> Path:
    if sys.platform == "win32":
        base, default = os.environ.get("LOCALAPPDATA"), "~/AppData/Local"
    elif sys.platform == "darwin":
        base, default = None, "~/Library/Caches"
    else:
        base, default = os.environ.get("XDG_CACHE_HOME"), "~/.cache"
    return Path(base or os.path.expanduser(default), "micrograd", "mnist")


def _read_named(folder: Path, name: str) -> _Array:
    try:
        for path in present(folder, name):
            return decode(content(path), str(path), path.name)
        raise DatasetError(f"{folder} holds neither {name}.gz nor {name}.")
    except OSError as error:
        raise DatasetError(
            f"{error} Put the published file there, or have it downloaded by naming no folder "
            "(neither folder= nor MICROGRAD_DATA)."
        ) from error


def _read_cached(folder: Path, name: str, *, progress: bool) -> _Array:
    for path in present(folder, name):
        try:
            return decode(content(path), str(path), path.name)
        except OSError:  # a DatasetError is one too
            with suppress(OSError):
                path.unlink()
    try:
        path = fetch(folder, name, progress)
    except DatasetError as error:
        raise DatasetError(f"{error}\n{way_out(folder)}") from error
    return decode(content(path), str(path), path.name)


def fetch(folder: Path, name: str, progress: bool) -> Path:
    """Download a file into a folder; it gets its name there when its content is right."""

    def check(raw: bytes, url: str) -> None:
        decode(raw, url, f"{name}.gz")

    urls = [f"{mirror}{name}.gz" for mirror in _MIRRORS]
    try:
        return download(
            urls, folder / f"{name}.gz", check, most=_most(f"{name}.gz"), progress=progress
        )
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"The folder {folder} cannot be written to: {error}.") from error


def way_out(folder: Path) -> str:
    files = "  ".join(f"{name}.gz" for name in FILES)
    return _WAY_OUT.format(mirror=next(iter(_MIRRORS), "the mirrors"), folder=folder, files=files)


def present(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / f"{name}.gz", folder / name) if os.path.isfile(path)]


def _most(filename: str) -> int:
    """Return how many bytes a published file can have; gzip adds little where it saves nothing."""
    size = FILES[filename.removesuffix(".gz")].size
    return size + size // 1000 + 1024 if filename.endswith(".gz") else size


def content(path: Path) -> bytes:
    """Return the bytes of a file, unless they are more than it can have."""
    most = _most(path.name)
    with open(path, "rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise DatasetError(
            f"{path} is not as published: it has {os.path.getsize(path):,} bytes, and the "
            f"published file no more than {most:,}."
        )
    return raw


def decode(raw: bytes, place: str, filename: str) -> _Array:
    """Return the array in a file's bytes if they are exactly the published content."""
    name = filename.removesuffix(".gz")
    published = FILES[name]
    content = raw if name == filename else decompress(raw, place, published.size)
    array = read_idx(content, place)
    found = hashlib.sha256(content).hexdigest()
    if found != published.sha256:
        raise DatasetError(
            f"{place} is not as published: its SHA-256 is {found}; expected {published.sha256} "
            "(of the decompressed content)."
        )
    return array
