"""Arrays in files: what comes back, what is refused, and what a killed writer leaves."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrograd import (
    ArgumentError,
    MissingExtraError,
    OperandError,
    SavedFileError,
    Tensor,
    Value,
)
from micrograd.errors import extra
from micrograd.saving import arrays, load, save

ROOT = Path(__file__).resolve().parents[1]
Array = np.ndarray[Any, Any]

STATE: dict[str, Array] = {
    "layers.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "layers.0.bias": np.array(-0.0),
    "steps": np.array([2**62, -1]),
    "mask": np.array([[True, False]]),
    "nothing": np.zeros((0, 3), np.float16),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


def assert_same(found: dict[str, Array], expected: dict[str, Array]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name
        assert found[name].flags.writeable, name


# --- what comes back ---


def test_arrays_come_back_with_their_names_dtypes_shapes_and_bits(tmp_path: Path) -> None:
    save(tmp_path / "w.npz", STATE)
    assert_same(load(tmp_path / "w.npz"), STATE)
    assert load(tmp_path / "w.npz")["columns"].flags.f_contiguous


def test_they_come_back_from_safetensors_too(tmp_path: Path) -> None:
    save(tmp_path / "w.safetensors", STATE)
    found = load(str(tmp_path / "w.safetensors"))
    assert_same({name: found[name] for name in STATE}, STATE)
    assert len(found) == len(STATE)


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text(st.characters(), max_size=12) | st.sampled_from(["../x", "/etc/x", "a/b", "%41"]),
        hnp.arrays(
            hnp.floating_dtypes() | hnp.integer_dtypes() | hnp.complex_number_dtypes(),
            hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
        ),
        max_size=4,
    )
)
def test_any_text_is_a_name_and_any_array_of_numbers_is_kept(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Array]
) -> None:
    path = tmp_path_factory.mktemp("any") / "w.npz"
    save(path, arrays)
    assert_same(load(path), arrays)


def test_numpy_reads_what_was_saved_and_its_archives_are_read(tmp_path: Path) -> None:
    save(tmp_path / "ours.npz", STATE)
    with np.load(tmp_path / "ours.npz") as theirs:
        assert_same(dict(theirs), STATE)
    named = {"a/b": np.ones(3), "c": np.zeros(1000)}
    np.savez_compressed(tmp_path / "theirs.npz", **named)  # pyright: ignore[reportArgumentType]
    assert_same(load(tmp_path / "theirs.npz"), named)


def test_nodes_are_saved_by_their_data_and_the_same_arrays_give_the_same_bytes(
    tmp_path: Path,
) -> None:
    state = {"w": Tensor([1.0, 2.0]), "b": Value(3.0)}
    save(tmp_path / "a.npz", state)
    save(tmp_path / "b.npz", state)
    assert load(tmp_path / "a.npz")["b"] == 3.0
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_what_has_a_state_dict_is_saved_by_it(tmp_path: Path) -> None:
    class Model:
        def state_dict(self) -> dict[str, Array]:
            return {"weight": np.ones(2)}

    save(tmp_path / "model.npz", Model())
    assert load(tmp_path / "model.npz")["weight"].tolist() == [1, 1]


# --- what is refused ---


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header(text: str) -> bytes:
    padded = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


def archive(*members: tuple[str, bytes], by: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", by) as made:
        for name, content in members:
            made.writestr(name, content)
    return file.getvalue()


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}"
NEGATIVE = "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}"
NOTHING = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904)}"
CODE = "__import__('os').system('touch hacked')"

HOSTILE = {
    "an object array": (archive(("a.npy", npy([None], allow_pickle=True))), "no numbers"),
    "text": (archive(("a.npy", npy(["x"]))), "no numbers"),
    "a record": (archive(("a.npy", npy(np.zeros(2, "i4,f8")))), "no numbers"),
    "a promise of a terabyte": (archive(("a.npy", header(HUGE) + b"\0" * 8)), "promised"),
    "a negative shape": (archive(("a.npy", header(NEGATIVE) + b"\0" * 8)), "promised"),
    "code in a header": (archive(("a.npy", header(CODE))), "altered"),
    "a header without end": (archive(("a.npy", header("(" * 110))), "altered"),
    "another version": (archive(("a.npy", b"\x93NUMPY\x09\x00\x00\x00")), "version"),
    "a way out of the folder": (archive(("../a.npy", npy([1.0]))), "not the name"),
    "a way to the root": (archive(("/a.npy", npy([1.0]))), "not the name"),
    "a way to a drive": (archive(("C:/a.npy", npy([1.0]))), "not the name"),
    "a file that is no array": (archive(("a.txt", b"hello")), "not the name"),
    "one name twice": (archive(("%%61.npy", npy([1.0])), ("a.npy", npy([1.0]))), "one name"),
    "more bytes than promised": (archive(("a.npy", npy([1.0]) + b"more")), "promised"),
    "a header of 4 GB": (archive(("a.npy", b"\x93NUMPY\x02\x00" + b"\xff" * 4)), "altered"),
    "no elements of huge axes": (archive(("a.npy", header(NOTHING))), "altered"),
    "bzip2": (archive(("a.npy", npy([1.0])), by=zipfile.ZIP_BZIP2), "in another way"),
    "LZMA": (archive(("a.npy", npy([1.0])), by=zipfile.ZIP_LZMA), "in another way"),
    "a pickle": (pickle.dumps({"a": [1.0]}), "no .npz"),
    "a single array": (npy([1.0]), "no .npz"),
    "a web page": (b"<html>not found</html>", "no .npz"),
    "nothing": (b"", "no .npz"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_with_words(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(SavedFileError, match=r"load: .*w\.npz .*\. .*\.$") as caught:
        load(tmp_path / "w.npz")
    assert words in str(caught.value)
    assert os.listdir(tmp_path) == ["w.npz"]


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10**6), b=np.zeros(10**6))
    with pytest.raises(SavedFileError, match=r"16,000,\d+ bytes .* max_bytes=10,000,000"):
        load(tmp_path / "bomb.npz", max_bytes=10_000_000)
    assert len(load(tmp_path / "bomb.npz", max_bytes=20_000_000)) == 2


def test_an_archive_cut_anywhere_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "w.npz", STATE)
    whole = (tmp_path / "w.npz").read_bytes()
    for length in range(0, len(whole), 13):
        (tmp_path / "w.npz").write_bytes(whole[:length])
        with pytest.raises(SavedFileError):
            load(tmp_path / "w.npz")


@settings(max_examples=200)
@given(st.data())
def test_an_archive_with_a_changed_byte_is_refused_or_means_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("changed") / "w.npz"
    state = {"weight": np.arange(4.0)}
    save(path, state)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = load(path)
    except SavedFileError:
        return
    # Of all that a byte can change, only the name stands without a check sum.
    assert [array.tolist() for array in found.values()] in ([state["weight"].tolist()], [])


def cut(content: bytes) -> bytes:
    return content[:-1]


def long_header(content: bytes) -> bytes:
    return (2**60).to_bytes(8, "little") + content[8:]


def other_dtype(content: bytes) -> bytes:
    return content.replace(b'"F32"', b'"BF9"')


@pytest.mark.parametrize("damage", [cut, long_header, other_dtype])
def test_damaged_safetensors_are_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "w.safetensors"
    save(path, {"a": np.ones(3, np.float32)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SavedFileError, match="truncated or altered"):
        load(path)


def tensors(text: str, data: int = 4, length: int | None = None) -> bytes:
    """Return a .safetensors file with so many bytes of data, A as one number, B as the next."""
    text = text.replace("A", '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}')
    text = text.replace("B", '{"dtype":"F32","shape":[1],"data_offsets":[4,8]}')
    header = text.encode()
    return (len(header) if length is None else length).to_bytes(8, "little") + header + bytes(data)


A_TWICE = '{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}'
LONG = {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}
HOSTILE_TENSORS = {
    "one name twice": (tensors('{"a":A,"a":A}'), "its header has 'a' twice"),
    "two arrays of one name": (tensors('{"a":A,"a":B}', 8), "altered"),
    "one name twice, escaped": (tensors('{"a":A,"\\u0061":A}'), "'a' twice"),
    "a fact twice": (tensors('{"__metadata__":{"k":"1","k":"2"},"a":A}'), "'k' twice"),
    "facts twice": (tensors('{"__metadata__":{"k":"1"},"__metadata__":{"k":"1"},"a":A}'), "dup"),
    "a shape twice": (tensors('{"a":' + A_TWICE + "}"), "duplicate"),
    "one place for two": (tensors('{"a":A,"b":A}'), "offset"),
    "a hole": (tensors('{"a":B}', 8), "offset"),
    "data that nobody owns": (tensors('{"a":A}', 8), "not fully covered"),
    "data that is not there": (tensors('{"a":A,"b":B}', 4), "not fully covered"),
    "a shape of 2**80 elements": (tensors(json.dumps({"a": LONG})), "overflow"),
    "a header of 2**63 bytes": (tensors('{"a":A}', length=2**63), "header too large"),
    "a header longer than the file": (tensors('{"a":A}', length=1_000), "invalid header length"),
    "a header of 17 MB": (tensors('{"a":A}' + " " * 17_000_000), "17,000,0.. bytes, too many"),
    "brackets": (tensors("[" * 100_000), "sequence"),
    "braces": (tensors('{"a":' * 100_000), "recursion"),
    "nothing": (b"", "too small"),
    "no header": (bytes(8), "JSON"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE_TENSORS.values(), ids=HOSTILE_TENSORS)
def test_hostile_safetensors_are_refused_with_words_and_little_memory(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(tensors('{"a":A,"b":B}', 8))
    assert {name: array.tolist() for name, array in load(path).items()} == {"a": [0], "b": [0]}
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(SavedFileError, match=words):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_safetensors_of_more_than_max_bytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save(path, {"a": np.zeros(10**6)})
    assert len(load(path)["a"]) == 10**6
    tracemalloc.start()
    with pytest.raises(SavedFileError, match=r"8,000,\d+ bytes .* max_bytes=1,000,000"):
        load(path, max_bytes=10**6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_what_safetensors_cannot_hold_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save(path, {"a": np.ones(3)})
    with pytest.raises(OperandError, match=r"longdouble|float128|dtype .*Save them to an \.npz"):
        save(path, {"a": np.ones(3, np.clongdouble)})
    assert load(path)["a"].tolist() == [1, 1, 1]


def test_safetensors_that_are_not_installed_are_named_with_their_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for act in (lambda p: save(p, STATE), load):
        with pytest.raises(MissingExtraError, match=r"micrograd-graph\[safetensors\]"):
            act(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("name", "arrays", "error", "words"),
    [
        ("w.pt", STATE, ArgumentError, r"ends in \.npz or \.safetensors, but came '.*w\.pt'"),
        ("w", STATE, ArgumentError, "ends in"),
        ("w.npz", {1: np.ones(1)}, OperandError, "a text as the name of an array, but came 1"),
        ("w.npz", {"a": None}, OperandError, "'a' has dtype object"),
        ("w.npz", {"a": np.array(["x"])}, OperandError, "'a' has dtype <U1"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, arrays: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        save(tmp_path / name, arrays)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_not_there_is_python_s_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "w.npz")


# --- what a writer leaves ---


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "w.npz", {"a": np.ones(3)})

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(arrays.npy, "write_array", fail)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path / "w.npz", {"a": np.zeros(3)})
    assert os.listdir(tmp_path) == ["w.npz"]
    monkeypatch.undo()
    assert load(tmp_path / "w.npz")["a"].tolist() == [1, 1, 1]


WRITER = """
import sys, numpy as np
from micrograd.saving import save
i = 0
while True:
    save(sys.argv[1], {"a": np.full(300_000, float(i)), "b": np.full(3, float(i))})
    print(i, flush=True)
    i += 1
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is that of POSIX")
def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    for delay in (0.0, 0.003, 0.011):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        found = load(path)
        assert set(found["a"]) == set(found["b"])


def test_permissions_of_a_file_are_kept_and_a_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "real.npz"
    save(target, {"a": np.ones(1)})
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert target.stat().st_mode == plain.stat().st_mode
    target.chmod(0o640)
    (tmp_path / "link.npz").symlink_to(target)
    save(tmp_path / "link.npz", {"a": np.zeros(1)})
    assert (tmp_path / "link.npz").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert load(target)["a"] == 0


def test_an_extra_that_is_missing_says_who_needs_it() -> None:
    with pytest.raises(MissingExtraError, match="the plot needs no_such_package"):
        extra("no_such_package.part", "the plot")
