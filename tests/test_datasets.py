"""The data set loaders: what they return, what they refuse, what they leave on the disk."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd.datasets import __main__, digits, download, load_digits, load_mnist, read_idx
from micrograd.errors import ArgumentError, DatasetError, MissingExtraError
from tests.mirrors import Files, Server, closed_mirror, server

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

Array = np.ndarray[Any, Any]

__all__ = ["server"]


def idx(array: Array) -> bytes:
    magic = {3: 2051, 1: 2049}[array.ndim]
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def arrays(monkeypatch: pytest.MonkeyPatch) -> dict[str, Array]:
    """Replace the published data set by one of 6 + 4 images."""
    rng = np.random.default_rng(0)
    made = {
        TRAIN_IMAGES: rng.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        TRAIN_LABELS: np.array([5, 0, 4, 1, 9, 9], dtype=np.uint8),
        TEST_IMAGES: rng.integers(0, 256, (4, 28, 28), dtype=np.uint8),
        TEST_LABELS: np.array([7, 2, 1, 0], dtype=np.uint8),
    }
    made[TRAIN_IMAGES][0, 0, :3] = 0, 51, 255
    published = {
        name: digits.Published(len(content := idx(array)), hashlib.sha256(content).hexdigest())
        for name, array in made.items()
    }
    monkeypatch.setattr(digits, "FILES", published)
    return made


@pytest.fixture
def files(arrays: dict[str, Array]) -> Files:
    return {f"{name}.gz": gzip.compress(idx(array)) for name, array in arrays.items()}


@pytest.fixture
def folder(tmp_path: Path, files: Files) -> Path:
    return write(tmp_path / "mine", files)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's own cache, settings and mirrors."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MICROGRAD_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(digits, "_MIRRORS", ())
    return tmp_path / "cache" / "micrograd" / "mnist"


def use_mirrors(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    monkeypatch.setattr(digits, "_MIRRORS", urls)


# --- what comes back ---


def test_default_form(folder: Path, arrays: dict[str, Array]) -> None:
    (x_train, t_train), (x_test, t_test) = load_mnist(folder=folder)
    assert (x_train.shape, x_test.shape) == ((6, 784), (4, 784))
    assert x_train.dtype == x_test.dtype == np.float32
    np.testing.assert_array_equal(
        x_test, arrays[TEST_IMAGES].reshape(4, 784).astype(np.float32) / np.float32(255)
    )
    assert x_train[0, :3].tolist() == pytest.approx([0.0, 0.2, 1.0])
    assert t_train.dtype == t_test.dtype == np.uint8
    assert t_train.tolist() == [5, 0, 4, 1, 9, 9]
    assert t_test.tolist() == [7, 2, 1, 0]


def test_raw_form(folder: Path, arrays: dict[str, Array]) -> None:
    (x_train, _), (x_test, _) = load_mnist(normalize=False, flatten=False, folder=folder)
    assert (x_train.shape, x_test.shape) == ((6, 1, 28, 28), (4, 1, 28, 28))
    assert x_train.dtype == np.uint8
    np.testing.assert_array_equal(x_train[:, 0], arrays[TRAIN_IMAGES])


def test_one_hot_labels(folder: Path) -> None:
    (_, t_train), (_, t_test) = load_mnist(one_hot_label=True, folder=folder)
    assert (t_train.shape, t_test.shape) == ((6, 10), (4, 10))
    assert t_train.dtype == np.float32
    assert t_train.argmax(axis=1).tolist() == [5, 0, 4, 1, 9, 9]
    assert t_train.sum(axis=1).tolist() == [1] * 6


def test_positional_order_is_that_of_the_book(folder: Path) -> None:
    (x, t), _ = load_mnist(False, False, True, folder=folder)
    assert (x.dtype, x.shape, t.shape) == (np.uint8, (6, 1, 28, 28), (6, 10))


@pytest.mark.parametrize("normalize", [True, False])
def test_arrays_can_be_written_to(folder: Path, normalize: bool) -> None:
    (x, t), _ = load_mnist(normalize, folder=folder)
    x[0] = 1
    t[0] = 3


# --- where the files come from ---


def test_decompressed_files_are_read(tmp_path: Path, arrays: dict[str, Array]) -> None:
    plain = write(tmp_path / "plain", {name: idx(array) for name, array in arrays.items()})
    (_, t_train), _ = load_mnist(folder=str(plain))
    assert t_train.tolist() == [5, 0, 4, 1, 9, 9]


def test_environment_names_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAD_DATA", str(folder))
    assert load_mnist()[1][1].tolist() == [7, 2, 1, 0]


def test_argument_goes_before_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRAD_DATA", str(tmp_path / "nowhere"))
    assert load_mnist(folder=folder)[1][1].tolist() == [7, 2, 1, 0]


@pytest.mark.usefixtures("arrays")
def test_missing_file_is_named_and_not_downloaded(
    folder: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_mirrors(monkeypatch, server.serve(files))
    (folder / f"{TEST_LABELS}.gz").unlink()
    before = snapshot(folder)
    with pytest.raises(DatasetError) as caught:
        load_mnist(folder=folder)
    assert str(folder) in str(caught.value)
    assert f"{TEST_LABELS}.gz" in str(caught.value)
    assert server.asked == []
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/micrograd/mnist"),
        ("linux", {"XDG_CACHE_HOME": ""}, "/home/me/.cache/micrograd/mnist"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "/home/me/Library/Caches/micrograd/mnist"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/micrograd/mnist"),
        ("win32", {"LOCALAPPDATA": ""}, "/home/me/AppData/Local/micrograd/mnist"),
    ],
)
def test_cache_folder_is_where_the_platform_has_it(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cache_folder: Callable[[], Path] = vars(digits)["cache_folder"]
    assert cache_folder().as_posix() == expected


# --- what is refused ---


def flip_last_pixel(raw: bytes) -> bytes:
    content = bytearray(gzip.decompress(raw))
    content[-1] ^= 1
    return gzip.compress(bytes(content))


def wrong_magic(raw: bytes) -> bytes:
    return gzip.compress(struct.pack(">I", 2052) + gzip.decompress(raw)[4:])


def flip_in_stream(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 0xFF]) + raw[middle + 1 :]


def bad_block(raw: bytes) -> bytes:
    return raw[:10] + b"\xff" + raw[11:]


def half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def web_page(raw: bytes) -> bytes:
    return b"<html>no</html>"


def empty(raw: bytes) -> bytes:
    return b""


def short_content(raw: bytes) -> bytes:
    return gzip.compress(gzip.decompress(raw)[:-9])


def other_file(raw: bytes) -> bytes:
    return gzip.compress(idx(np.zeros(3, np.uint8)))


DAMAGES = [
    (half, "truncated or altered"),
    (flip_in_stream, "altered"),
    (bad_block, "altered"),
    (flip_last_pixel, "SHA-256"),
    (wrong_magic, "magic number is 2052; expected 2051"),
    (gzip.decompress, "not a gzip file: .*'00 00'.*'1f 8b'"),
    (web_page, "not a gzip file"),
    (empty, "not a gzip file"),
    (short_content, r"4,711 bytes \(decompressed\); expected 4,720"),
    (other_file, "SHA-256"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damaged_file_of_the_user_is_refused_and_left_alone(
    folder: Path,
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    use_mirrors(monkeypatch, server.serve(files))
    path = folder / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(files[path.name]))
    before = snapshot(folder)
    with pytest.raises(DatasetError, match=message) as caught:
        load_mnist(folder=folder)
    assert str(path) in str(caught.value)
    assert "MICROGRAD_DATA" in str(caught.value)
    assert snapshot(folder) == before
    assert server.asked == []


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damaged_file_of_the_cache_is_downloaded_again(
    cache: Path,
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    use_mirrors(monkeypatch, server.serve(files))
    name = f"{TRAIN_IMAGES}.gz"
    write(cache, {**files, name: damage(files[name])})
    assert load_mnist(progress=False)[0][1].tolist() == [5, 0, 4, 1, 9, 9]
    assert server.asked == [name], message
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == files


def test_damaged_file_of_the_cache_is_removed_even_without_a_mirror(
    cache: Path, files: Files
) -> None:
    name = f"{TEST_IMAGES}.gz"
    write(cache, {**files, name: files[name][:-1]})
    with pytest.raises(DatasetError):
        load_mnist(progress=False)
    assert sorted(p.name for p in cache.iterdir()) == sorted(set(files) - {name})


@pytest.mark.parametrize("length", range(len(gzip.compress(bytes(20)))))
def test_no_truncated_archive_is_taken(folder: Path, length: int) -> None:
    path = folder / f"{TRAIN_LABELS}.gz"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DatasetError, match=TRAIN_LABELS):
        load_mnist(folder=folder)


def bomb(raw: bytes) -> bytes:
    return gzip.compress(gzip.decompress(raw) + bytes(10**7))


def bomb_of_parts(raw: bytes) -> bytes:
    return raw + gzip.compress(bytes(10**7))


def long_file(raw: bytes) -> bytes:
    return raw + bytes(10**6)


@pytest.mark.parametrize("damage", [bomb, bomb_of_parts, long_file])
def test_no_more_is_read_or_decompressed_than_the_file_can_have(
    folder: Path,
    cache: Path,
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
) -> None:
    name = f"{TRAIN_IMAGES}.gz"
    (folder / name).write_bytes(damage(files[name]))
    tracemalloc.start()
    with pytest.raises(DatasetError, match=r"no more than 5,748|more than the 4,720 bytes"):
        load_mnist(folder=folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6
    use_mirrors(monkeypatch, server.serve(files))
    write(cache, {**files, name: damage(files[name])})
    load_mnist(progress=False)
    assert server.asked == [name]
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == files


def test_a_decompressed_file_that_is_too_long_is_refused(
    tmp_path: Path, arrays: dict[str, Array]
) -> None:
    contents = {name: idx(array) for name, array in arrays.items()}
    folder = write(tmp_path / "mine", {**contents, TEST_LABELS: contents[TEST_LABELS] + b"?"})
    with pytest.raises(
        DatasetError, match="it has 13 bytes, and the published file no more than 12"
    ):
        load_mnist(folder=folder)


def test_a_mirror_whose_file_is_a_bomb_is_left_for_the_next(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bombs = {name: gzip.compress(bytes(10**6)) for name in files}
    long = {name: bytes(10**6) for name in files}
    use_mirrors(monkeypatch, *map(server.serve, (bombs, long, files)))
    load_mnist(progress=False)
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == files


def test_file_that_cannot_be_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(digits, "open", refuse, raising=False)
    with pytest.raises(DatasetError, match=f"Permission denied.*{TRAIN_IMAGES}"):
        load_mnist(folder=folder)


# --- downloading ---


def test_download_fills_the_cache_once(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_mirrors(monkeypatch, server.serve(files))
    first = load_mnist(progress=False)
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == files
    second = load_mnist(progress=False)
    assert len(server.asked) == 4
    np.testing.assert_array_equal(first[0][0], second[0][0])


@pytest.mark.parametrize("progress", [True, False])
def test_second_mirror_is_used_when_the_first_is_down(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch, progress: bool
) -> None:
    damaged = {name: flip_last_pixel(raw) for name, raw in files.items()}
    short = {name: raw[:20] for name, raw in files.items()}
    promises = {f"promise {name}": raw for name, raw in files.items()}
    bad = [closed_mirror(), *map(server.serve, ({}, damaged, short, {**short, **promises}))]
    use_mirrors(monkeypatch, *bad, server.serve(files))
    assert load_mnist(progress=progress)[1][1].tolist() == [7, 2, 1, 0]
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == files


def test_all_mirrors_unreachable(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = {name: raw[:-2] for name, raw in files.items()}
    mirrors = closed_mirror(), server.serve({}), server.serve(damaged)
    use_mirrors(monkeypatch, *mirrors)
    with pytest.raises(DatasetError) as caught:
        load_mnist(progress=False)
    lines = str(caught.value).splitlines()
    assert TRAIN_IMAGES in lines[0]
    for line, mirror, error in zip(
        lines[1:4], mirrors, ("refused", "404", "truncated"), strict=True
    ):
        assert mirror in line
        assert error in line
    for way_out in ("folder=", "MICROGRAD_DATA", "load_digits()"):
        assert way_out in str(caught.value)
    assert str(cache) in str(caught.value)
    for name in files:
        assert name in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("stage", ["fsync", "replace"])
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, OSError])
def test_interrupted_write_leaves_no_file_of_that_name_and_goes_on_next_time(
    cache: Path,
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    interrupt: type[BaseException],
) -> None:
    def stop(*_: object) -> None:
        raise interrupt("No space left on device")

    use_mirrors(monkeypatch, server.serve(files))
    with monkeypatch.context() as patch:
        patch.setattr(os, stage, stop)
        expected = DatasetError if interrupt is OSError else interrupt
        with pytest.raises(expected, match="No space left"):
            load_mnist(progress=False)
    assert [p.suffix for p in cache.iterdir()] == [".download"]
    load_mnist(progress=False)
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == files


def test_content_is_on_the_disk_before_it_gets_its_name(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        events.append(f"sync {os.fstat(descriptor).st_size}")
        fsync(descriptor)

    def note_replace(source: str, target: Path) -> None:
        assert Path(source).parent == target.parent == cache
        events.append(f"name {os.stat(source).st_size}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    use_mirrors(monkeypatch, server.serve(files))
    load_mnist(progress=False)
    sizes = [len(raw) for raw in files.values()]
    assert events == [f"{event} {size}" for size in sizes for event in ("sync", "name")]


def test_download_that_broke_off_leaves_no_file_of_that_name(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {name: raw[:-1] for name, raw in files.items()}
    promises = {f"promise {name}": raw for name, raw in files.items()}
    use_mirrors(monkeypatch, server.serve({**short, **promises}))
    with pytest.raises(DatasetError, match="1 more bytes expected of 4,743"):
        load_mnist(progress=False)
    assert [p.suffix for p in cache.iterdir()] == [".download"]


def test_silent_mirror_is_given_up(monkeypatch: pytest.MonkeyPatch, files: Files) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_mirrors(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(DatasetError, match="timed out"):
            load_mnist(progress=False)


def test_cache_that_cannot_be_written_is_reported(
    cache: Path, files: Files, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.parent.write_text("a file where the cache should be")
    use_mirrors(monkeypatch, server.serve(files))
    with pytest.raises(DatasetError, match=r"(?s)cannot be written to.*MICROGRAD_DATA"):
        load_mnist(progress=False)


def test_progress_bar(
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("tqdm")
    use_mirrors(monkeypatch, server.serve(files))
    load_mnist()
    out, err = capsys.readouterr()
    assert out == ""
    for name in files:
        assert f"{name}: 100%" in err


def test_progress_line_without_tqdm(
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    mirror = server.serve(files)
    use_mirrors(monkeypatch, mirror)
    load_mnist()
    out, err = capsys.readouterr()
    assert out == ""
    lines = [f"Downloading {mirror}{name} (0.0 MB) 100%" for name in files]
    assert err.splitlines() == lines


def test_no_progress_on_request(
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_mirrors(monkeypatch, server.serve(files))
    load_mnist(progress=False)
    assert capsys.readouterr() == ("", "")


# --- the IDX format ---

shapes = st.one_of(
    st.tuples(st.integers(0, 300)),
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
)


@given(shapes, st.integers(0, 2**32 - 1))
def test_idx_round_trip(shape: tuple[int, ...], seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    result = read_idx(idx(array), "it")
    np.testing.assert_array_equal(result, array, strict=True)


@given(shapes, st.data())
def test_idx_of_another_length_is_refused(shape: tuple[int, ...], data: st.DataObject) -> None:
    content = idx(np.ones(shape, np.uint8))
    wrong = data.draw(st.integers(0, len(content) + 9).filter(lambda n: n != len(content)))
    with pytest.raises(DatasetError, match=r"^it "):
        read_idx((content + bytes(9))[:wrong], "it")


@given(st.integers(0, 2**32 - 1).filter(lambda magic: magic not in (2049, 2051)))
def test_idx_of_another_magic_number_is_refused(magic: int) -> None:
    with pytest.raises(DatasetError, match=f"it is not an IDX file.* {magic};.*2051.*2049"):
        read_idx(struct.pack(">II", magic, 0), "it")


# --- the published MNIST ---


@pytest.mark.parametrize(
    "header",
    [
        (2051, 0, 2**32 - 1, 2**32 - 1),
        (2051, 2**32 - 1, 2**32 - 1, 2**32 - 1),
        (2049, 2**32 - 1),
        (2049, 5),
        (2051, 3),
        (2049,),
    ],
)
def test_idx_that_promises_what_is_not_there_is_refused(header: tuple[int, ...]) -> None:
    content = struct.pack(f">{len(header)}I", *header)
    with pytest.raises(DatasetError, match="its header says shape"):
        read_idx(content, "labels")


def test_published_sizes_are_those_of_the_shapes() -> None:
    sizes = {name: published.size for name, published in vars(digits)["FILES"].items()}
    assert sizes == {
        TRAIN_IMAGES: 16 + 60_000 * 28 * 28,
        TRAIN_LABELS: 8 + 60_000,
        TEST_IMAGES: 16 + 10_000 * 28 * 28,
        TEST_LABELS: 8 + 10_000,
    }


def test_published_mnist(mnist_folder: Path) -> None:
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False, folder=mnist_folder)
    assert (x_train.shape, x_test.shape) == ((60000, 784), (10000, 784))
    assert (t_train.shape, t_test.shape) == ((60000,), (10000,))
    assert t_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert t_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert (x_train.min(), x_train.max()) == (0, 255)
    assert np.unique(t_train).tolist() == list(range(10))
    # The mean brightness that is quoted everywhere for the training set.
    assert x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)


@pytest.mark.slow
def test_altered_mnist_is_refused(mnist_folder: Path, tmp_path: Path) -> None:
    for source in filter(Path.is_file, mnist_folder.iterdir()):
        shutil.copyfile(source, tmp_path / source.name)
    labels = load_mnist(folder=mnist_folder)[1][1]
    labels[-1] = (labels[-1] + 1) % 10
    path = tmp_path / f"{TEST_LABELS}.gz"
    path.unlink(missing_ok=True)
    path.write_bytes(gzip.compress(idx(labels)))
    with pytest.raises(DatasetError, match=f"{TEST_LABELS}.*ff7bcfd416de3373"):
        load_mnist(folder=tmp_path)


# --- scikit-learn's digits ---


def test_digits_forms() -> None:
    pytest.importorskip("sklearn")
    (x_train, t_train), (x_test, t_test) = load_digits()
    assert (x_train.shape, x_test.shape) == ((1438, 64), (359, 64))
    assert x_train.dtype == np.float32
    assert (x_train.min(), x_train.max()) == (x_test.min(), x_test.max()) == (0, 1)
    assert t_train.dtype == t_test.dtype == np.uint8
    (raw, one_hot), _ = load_digits(False, False, True)
    assert (raw.dtype, raw.shape, raw.max()) == (np.uint8, (1438, 1, 8, 8), 16)
    assert (one_hot.dtype, one_hot.shape) == (np.float32, (1438, 10))
    np.testing.assert_array_equal(one_hot.argmax(axis=1), t_train)
    np.testing.assert_array_equal(raw.reshape(1438, 64) / np.float32(16), x_train)


def test_digits_split_keeps_every_pair_once() -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    bunch = sklearn_datasets.load_digits()
    (x_train, t_train), (x_test, t_test) = load_digits(normalize=False, test_share=0.3)
    assert len(t_test) == round(0.3 * 1797)
    images, labels = np.concatenate([x_train, x_test]), np.concatenate([t_train, t_test])
    pairs = sorted(zip(map(bytes, images), labels.tolist(), strict=True))
    published = bunch.data.astype(np.uint8)
    assert pairs == sorted(zip(map(bytes, published), bunch.target.tolist(), strict=True))
    assert not np.array_equal(labels, bunch.target)


def test_digits_split_follows_the_seed() -> None:
    pytest.importorskip("sklearn")
    first, again, other = (load_digits(seed=seed)[0][1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("share", [0, 1, -0.2, 1.2, float("nan"), 1e-9, 1 - 1e-9])
def test_digits_share_that_leaves_nothing_is_refused(share: float) -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(ArgumentError, match=r"test_share is .*expected a number between 0 and 1"):
        load_digits(test_share=share)


def test_digits_without_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'micrograd-graph\[demo\]'"):
        load_digits()


# --- the command ---


def test_the_command_downloads_verifies_and_says_a_sentence_for_each_file(
    files: Files,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_mirrors(monkeypatch, server.serve(files))
    folder = tmp_path / "new" / "folder"
    options = ["--folder", str(folder)]
    assert __main__.main([*options, "--check"]) == 1
    assert capsys.readouterr().out.count("is missing") == 4
    assert not folder.exists()
    assert __main__.main(options) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [f"{folder / name} was downloaded and is as published." for name in files]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == files
    assert __main__.main(options) == __main__.main([*options, "--check"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == 2 * [f"{folder / name} is as published." for name in files]
    assert len(server.asked) == 4


def test_the_command_replaces_a_damaged_file_only_by_the_right_one(
    folder: Path,
    files: Files,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"{TEST_LABELS}.gz"
    (folder / name).write_bytes(b"damaged")
    before = snapshot(folder)
    options = ["--folder", str(folder)]
    assert __main__.main([*options, "--check"]) == 1
    assert f"{folder / name} is not a gzip file" in capsys.readouterr().out
    assert __main__.main(options) == 1
    shown = capsys.readouterr().out
    assert "Without a network" in shown
    assert shown.count("load_digits()") == 1
    assert snapshot(folder) == before
    use_mirrors(monkeypatch, server.serve(files))
    assert __main__.main(options) == 0
    assert server.asked == [name]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == files


@pytest.mark.usefixtures("arrays")
def test_the_command_looks_where_the_loader_looks(
    cache: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert __main__.main(["--check"]) == 1
    assert str(cache) in capsys.readouterr().out
    monkeypatch.setenv("MICROGRAD_DATA", str(folder))
    assert __main__.main(["--check"]) == 0


def test_the_command_can_be_stopped(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "content", stop)
    assert __main__.main(["--folder", str(folder)]) == 130


def test_the_command_refuses_wrong_arguments_in_one_line() -> None:
    command = [sys.executable, "-W", "error", "-m", "micrograd.datasets"]
    done = subprocess.run([*command, "--chek"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "unrecognized" in done.stderr


@pytest.mark.slow
def test_the_command_verifies_the_published_files(mnist_folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "micrograd.datasets", "--check"]
    options = ["--folder", str(mnist_folder)]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("is as published") == 4
