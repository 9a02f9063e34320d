"""Arrays in files: written whole or not at all, and read without trusting what is in them.

A file is an `.npz` archive, as NumPy has it, or `.safetensors`, which other
frameworks read. Neither ever runs code that came with the file.
"""

from __future__ import annotations

import json
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable
from urllib.parse import quote, unquote

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from micrograd.core.node import Node
from micrograd.errors import ArgumentError, OperandError, SavedFileError, extra
from micrograd.saving.files import written_atomically

Arrays = dict[str, NDArray[Any]]

_NUMBERS = "biufc"
_LONGEST_HEADER = 2**24  # bytes, about a hundred thousand arrays
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those of NumPy
_QUOTED = "%"  # begins an entry whose name was not fit for one
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    EOFError,
    OSError,
    ArithmeticError,
    LookupError,
    RuntimeError,  # encrypted, or compressed in another way: NotImplementedError
    TypeError,
    ValueError,
)


@runtime_checkable
class HasState(Protocol):
    """What can give its arrays by name, such as a module or an optimizer."""

    def state_dict(self) -> Mapping[str, Any]:
        """Return the arrays by name."""
        ...


def save(path: str | os.PathLike[str], arrays: Mapping[str, Any] | HasState) -> None:
    """Write named arrays, or those of a module or optimizer, to a file.

    The file is complete or not there: what stood under the name stays until
    the new content is on the disk. The same arrays give the same bytes.

    Args:
        path: a name that ends in `.npz` or `.safetensors` (which needs
            `pip install 'micrograd-graph[safetensors]'`).
        arrays: arrays or nodes by name, any text; or what has a `state_dict()`.

    Raises:
        ArgumentError: if the name of the file ends in something else.
        OperandError: if a name is no text or an array is not made of numbers.
        MissingExtraError: if safetensors is needed and not installed.
        OSError: if the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "w.npz"), {"layers.0.weight": np.ones((2, 3), np.float32)})
    ...     load(Path(folder, "w.npz"))
    {'layers.0.weight': array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)}
    """
    suffix = _suffix("save", path)
    named = arrays.state_dict() if isinstance(arrays, HasState) else arrays
    checked = {_name(name): _numbers(name, array) for name, array in named.items()}
    if suffix == ".npz":
        write_npz(path, checked)
    else:
        _write_safetensors(path, checked)


def load(path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> Arrays:
    """Return the named arrays of a file that `save` wrote, or NumPy, or another framework.

    Everything is checked before anything is returned; nothing is unpickled.
    Give a module its arrays with `module.load_state_dict(load(path))`.

    Args:
        path: a name that ends in `.npz` or `.safetensors`.
        max_bytes: the size of all arrays together that is not to be exceeded: a
            small compressed file can claim to hold any.

    Raises:
        ArgumentError: if the name of the file ends in something else.
        SavedFileError: if the file is truncated, altered, larger than
            `max_bytes`, or holds anything but arrays of numbers.
        MissingExtraError: if safetensors is needed and not installed.
        OSError: if the file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "w.npz")
    ...     _ = path.write_bytes(b"PK or not")
    ...     load(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    micrograd.errors.SavedFileError: load: ...w.npz is no .npz archive: ...
    """
    if _suffix("load", path) == ".npz":
        return read_npz(path, max_bytes)
    return _read_safetensors(path, max_bytes)


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays of numbers as an archive that `numpy.load` reads, too."""
    with written_atomically(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{_entry(name)}.npy")  # with no date
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def read_npz(path: str | os.PathLike[str], max_bytes: int) -> Arrays:
    """Return the arrays of an archive, all of them or none."""
    with open(path, "rb") as file:
        if file.read(4) not in (b"PK\3\4", b"PK\5\6"):
            raise _refusal(path, "is no .npz archive: it begins with other bytes")
        try:
            with zipfile.ZipFile(file) as archive:
                return dict(_members(archive, path, max_bytes))
        except SavedFileError:
            raise
        except _DAMAGES as error:
            raise _refusal(path, f"is truncated or altered ({error})") from error


def _members(
    archive: zipfile.ZipFile, path: str | os.PathLike[str], max_bytes: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    entries = archive.infolist()
    size = sum(entry.file_size for entry in entries)
    _check_size(path, size, max_bytes)
    names = [_name_of(entry.filename, path) for entry in entries]
    if len(set(names)) < len(names):
        raise _refusal(path, "has two arrays of one name")
    if any(entry.compress_type not in _COMPRESSIONS for entry in entries):
        raise _refusal(path, "is compressed in another way than NumPy compresses")
    for name, entry in zip(names, entries, strict=True):
        with archive.open(entry) as member:
            yield name, _read_array(member, name, entry.file_size, path)


def _read_array(
    member: IO[bytes], name: str, size: int, path: str | os.PathLike[str]
) -> NDArray[Any]:
    """Return an array whose header promises exactly what follows it."""
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(member)
    if version not in readers:
        raise _refusal(path, f"has {name!r} in version {version} of NumPy's format, not 1 or 2")
    shape, in_columns, dtype = readers[version](member)
    if dtype.kind not in _NUMBERS:
        raise _refusal(path, f"has {name!r} of dtype {dtype}, which are no numbers")
    promised, there = math.prod(shape) * dtype.itemsize, size - member.tell()
    if min(shape, default=0) < 0 or promised != there:
        raise _refusal(
            path, f"has {there:,} bytes for {name!r}, but shape {shape} and dtype {dtype} promised"
        )
    array = np.frombuffer(member.read(), dtype)  # at its end, its check sum is compared
    return array.reshape(shape, order="F" if in_columns else "C").copy(order="K")


def _write_safetensors(path: str | os.PathLike[str], arrays: Arrays) -> None:
    package = extra("safetensors.numpy", "save: a .safetensors file", "safetensors")
    # It writes the bytes as they lie in memory, so they have to lie in order.
    native = {name: a.astype(a.dtype.newbyteorder("="), order="C") for name, a in arrays.items()}
    try:
        content = package.save(native)
    except Exception as error:  # it has a class of its own for some, and not for others
        dtypes = ", ".join(sorted({str(array.dtype) for array in native.values()}))
        raise OperandError(
            f"save: safetensors cannot hold these arrays, of dtype {dtypes} ({error}). Save them "
            "to an .npz file."
        ) from error
    with written_atomically(path) as file:
        file.write(content)


def _read_safetensors(path: str | os.PathLike[str], max_bytes: int) -> Arrays:
    package = extra("safetensors.numpy", "load: a .safetensors file", "safetensors")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_size(path, size, max_bytes)
        header = int.from_bytes(file.read(8), "little")
        if _LONGEST_HEADER < header < size:
            raise _refusal(path, f"has a header of {header:,} bytes, too many for names and shapes")
        file.seek(0)
        content = file.read(size)
    try:
        found = {name: array.copy() for name, array in package.load(content).items()}
        json.loads(content[8 : 8 + header], object_pairs_hook=_each_once)
    except Exception as error:  # it has a class of its own for some, and not for others
        raise _refusal(path, f"is truncated or altered, or not for NumPy ({error})") from error
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, if no key in it stands for two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"its header has {twice!r} twice")
    return found


def _suffix(user: str, path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".npz", ".safetensors"):
        raise ArgumentError(
            f"{user}: expected a file name that ends in .npz or .safetensors, but came "
            f"{os.fspath(path)!r}."
        )
    return suffix


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise OperandError(f"save: expected a text as the name of an array, but came {name!r}.")
    return name


def _numbers(name: str, array: Any) -> NDArray[Any]:
    array = np.asarray(array._data if isinstance(array, Node) else array)
    if array.dtype.kind not in _NUMBERS:
        raise OperandError(
            f"save: {name!r} has dtype {array.dtype}, but only arrays of numbers are saved. "
            "Convert it first."
        )
    return array


def _entry(name: str) -> str:
    """Return what to call an array in an archive: its name, if that means nothing to a system."""
    plain = name.replace(".", "").replace("_", "").replace("-", "")
    if plain.isalnum():
        return name
    return _QUOTED + quote(name, safe="", errors="surrogatepass")


def _name_of(entry: str, path: str | os.PathLike[str]) -> str:
    name = entry.removesuffix(".npy")
    parts = name.replace("\\", "/").split("/")
    if name == entry or not parts[0] or ".." in parts or ":" in parts[0] or "\\" in name:
        raise _refusal(path, f"has an entry {entry!r}, which is not the name of an array")
    return unquote(name[1:], errors="surrogatepass") if name.startswith(_QUOTED) else name


def _check_size(path: str | os.PathLike[str], size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise _refusal(
            path,
            f"claims {size:,} bytes of arrays, more than max_bytes={max_bytes:,}",
            "If you trust it, give a larger max_bytes.",
        )


def _refusal(path: str | os.PathLike[str], what: str, way_out: str = "") -> SavedFileError:
    way_out = way_out or "Nothing was loaded; use a copy, or save it again."
    return SavedFileError(f"load: {os.fspath(path)} {what}. {way_out}")
