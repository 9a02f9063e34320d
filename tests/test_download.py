"""Downloads: broken off, gone on with, killed, done twice at a time, never half under a name."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError

import numpy as np
import pytest

from micrograd.datasets import download as module
from micrograd.datasets.download import download
from micrograd.datasets.progress import Progress
from micrograd.errors import DatasetError
from tests.mirrors import Server, closed_mirror, server

__all__ = ["server"]

CONTENT = np.random.default_rng(0).bytes(300_000)
NAME = "data.bin"
MOST = 400_000


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def check(content: bytes, place: str) -> None:
    if content != CONTENT:
        raise DatasetError(f"{place} is not as published")


def parts(folder: Path) -> list[bytes]:
    return [p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix == ".download"]


def leave_part(folder: Path, url: str, content: bytes) -> Path:
    part_of: Callable[[Path, str], Path] = vars(module)["_part"]
    folder.mkdir(exist_ok=True)
    part = part_of(folder / NAME, url)
    part.write_bytes(content)
    return part


def fetch(folder: Path, *mirrors: str) -> Path:
    return download([m + NAME for m in mirrors], folder / NAME, check, most=MOST, progress=False)


def assert_whole(folder: Path) -> None:
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {NAME: CONTENT}


# --- going on ---


def test_a_download_goes_on_where_it_was_broken_off(tmp_path: Path, server: Server) -> None:
    mirror = server.serve({NAME: CONTENT})
    leave_part(tmp_path, mirror + NAME, CONTENT[:200_000])
    assert fetch(tmp_path, mirror) == tmp_path / NAME
    assert server.ranges == ["bytes=200000-"]
    assert_whole(tmp_path)


def test_a_connection_that_breaks_off_is_taken_up_again_at_once(
    tmp_path: Path, server: Server
) -> None:
    fetch(tmp_path, server.serve({NAME: CONTENT}, cut=120_000))
    assert server.ranges == [None, "bytes=120000-", "bytes=240000-"]
    assert_whole(tmp_path)


def test_a_mirror_that_always_breaks_off_is_left_and_what_came_is_kept(
    tmp_path: Path, server: Server
) -> None:
    mirror = server.serve({NAME: CONTENT}, cut=1_000)
    with pytest.raises(DatasetError, match="295,000 more bytes expected of 300,000"):
        fetch(tmp_path, mirror)
    assert parts(tmp_path) == [CONTENT[:5_000]]
    with pytest.raises(DatasetError, match="broke off"):
        fetch(tmp_path, mirror)
    assert parts(tmp_path) == [CONTENT[:10_000]]
    assert server.ranges[5] == "bytes=5000-"


def test_a_server_that_sends_no_parts_is_asked_for_the_whole(
    tmp_path: Path, server: Server
) -> None:
    mirror = server.serve({NAME: CONTENT}, resumes=False)
    leave_part(tmp_path, mirror + NAME, CONTENT[:200_000])
    fetch(tmp_path, mirror)
    assert server.asked == [NAME]
    assert_whole(tmp_path)


def test_a_server_that_sends_no_parts_and_breaks_off_is_not_asked_for_ever(
    tmp_path: Path, server: Server
) -> None:
    with pytest.raises(DatasetError, match="broke off"):
        fetch(tmp_path, server.serve({NAME: CONTENT}, resumes=False, cut=1_000))
    assert len(server.asked) == 2


@pytest.mark.parametrize("length", [1, 200_000, 299_999])
def test_what_is_not_the_beginning_of_the_file_is_fetched_anew(
    tmp_path: Path, server: Server, length: int
) -> None:
    mirror = server.serve({NAME: CONTENT})
    leave_part(tmp_path, mirror + NAME, b"?" * length)
    fetch(tmp_path, mirror)
    assert server.ranges == [f"bytes={length}-", None]
    assert_whole(tmp_path)


@pytest.mark.parametrize("content", [CONTENT, CONTENT + b"more", b"?" * 300_000])
def test_what_is_as_long_as_the_file_or_longer_is_checked(
    tmp_path: Path, server: Server, content: bytes
) -> None:
    mirror = server.serve({NAME: CONTENT})
    leave_part(tmp_path, mirror + NAME, content)
    fetch(tmp_path, mirror)
    assert server.ranges == [f"bytes={len(content)}-"] + [None] * (content != CONTENT)
    assert_whole(tmp_path)


# --- mirrors ---


def test_mirrors_are_tried_in_turn_and_the_parts_of_others_are_removed(
    tmp_path: Path, server: Server
) -> None:
    short = server.serve({NAME: CONTENT}, cut=1_000)
    wrong = server.serve({NAME: CONTENT[::-1]})
    fetch(tmp_path, closed_mirror(), server.serve({}), short, wrong, server.serve({NAME: CONTENT}))
    assert_whole(tmp_path)


def test_the_part_of_one_mirror_is_not_gone_on_with_from_another(
    tmp_path: Path, server: Server
) -> None:
    first, second = (server.serve({NAME: CONTENT}) for _ in range(2))
    leave_part(tmp_path, first + NAME, CONTENT[:10])
    fetch(tmp_path, second)
    assert server.ranges == [None]


def test_what_each_mirror_did_is_told(tmp_path: Path, server: Server) -> None:
    mirrors = closed_mirror(), server.serve({}), server.serve({NAME: b"?"})
    with pytest.raises(DatasetError) as caught:
        fetch(tmp_path, *mirrors)
    first, *lines = str(caught.value).splitlines()
    assert first == f"{NAME} could not be downloaded from any mirror:"
    words = "refused", "404", "not as published"
    for line, mirror, word in zip(lines, mirrors, words, strict=True):
        assert mirror + NAME in line
        assert word in line
    assert list(tmp_path.iterdir()) == []


def test_the_file_that_is_there_stays_until_the_right_one_has_come(
    tmp_path: Path, server: Server
) -> None:
    (tmp_path / NAME).write_bytes(b"old")
    with pytest.raises(DatasetError):
        fetch(tmp_path, server.serve({NAME: b"?"}))
    assert (tmp_path / NAME).read_bytes() == b"old"
    fetch(tmp_path, server.serve({NAME: CONTENT}))
    assert_whole(tmp_path)


def test_a_refusal_of_a_mirror_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = io.BytesIO(b"no such page")
    refusal = HTTPError("http://127.0.0.1/", 404, "Not Found", Message(), page)

    def refuse(request: object, timeout: float, most: int) -> None:
        raise refusal

    monkeypatch.setattr(module, "open_url", refuse)
    with pytest.raises(DatasetError, match="404"):
        fetch(tmp_path, "http://127.0.0.1/")
    assert page.closed


def test_a_folder_that_cannot_be_made_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        fetch(tmp_path / "taken" / "folder", "http://127.0.0.1/")


# --- several at a time, and killed ones ---

SCRIPT = """
import sys
from pathlib import Path
from micrograd.datasets.download import download
url, path, length = sys.argv[1:]
def check(content, place):
    assert len(content) == int(length)
download([url], Path(path), check, most=400_000)
"""


def start(url: str, path: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", SCRIPT, url, str(path), str(len(CONTENT))]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_two_processes_that_fetch_one_file_download_it_once(tmp_path: Path, server: Server) -> None:
    go_on = threading.Event()
    url = server.serve({NAME: CONTENT}, hold=(go_on, 100_000)) + NAME
    first = start(url, tmp_path / NAME)
    wait_for(lambda: len(server.asked) == 1)
    others = [start(url, tmp_path / NAME) for _ in range(2)]
    for process in others:
        assert process.stderr is not None
        assert b"waiting for it" in process.stderr.readline()
    go_on.set()
    for process in (first, *others):
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert server.asked == [NAME]
    assert_whole(tmp_path)


def test_threads_that_fetch_one_file_at_a_time_all_get_it(tmp_path: Path, server: Server) -> None:
    mirrors = [server.serve({NAME: CONTENT}, cut=100_000) for _ in range(2)]
    found: list[bytes] = []

    def run(turn: int) -> None:
        ordered = mirrors[turn % 2 :] + mirrors[: turn % 2]
        found.append(fetch(tmp_path, *ordered).read_bytes())

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 6
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_process_that_waits_says_so_and_takes_what_the_other_brought(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    class Said(io.StringIO):
        def write(self, text: str) -> int:
            go_on.set()
            return super().write(text)

    said = Said()
    mirror = server.serve({NAME: CONTENT}, hold=(go_on, 100_000))
    first = threading.Thread(target=fetch, args=(tmp_path, mirror))
    first.start()
    wait_for(lambda: len(server.asked) == 1)
    monkeypatch.setattr(sys, "stderr", said)
    download([mirror + NAME], tmp_path / NAME, check, most=MOST, progress=True)
    first.join()
    assert said.getvalue() == f"Another process downloads {NAME}: waiting for it.\n"
    assert server.asked == [NAME]
    assert_whole(tmp_path)


def test_a_killed_download_leaves_no_broken_file_and_goes_on(
    tmp_path: Path, server: Server
) -> None:
    go_on = threading.Event()
    mirror = server.serve({NAME: CONTENT}, hold=(go_on, 100_000))
    process = start(mirror + NAME, tmp_path / NAME)
    wait_for(lambda: sum(map(len, parts(tmp_path))) > 0)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    go_on.set()
    kept = sum(map(len, parts(tmp_path)))
    assert not (tmp_path / NAME).exists()
    fetch(tmp_path, mirror)
    assert server.ranges[-1] == f"bytes={kept}-"
    assert_whole(tmp_path)


# --- progress ---


def test_the_line_of_text_tells_each_tenth_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with Progress("http://localhost/data.bin", 2_000_000, 4_000_000) as bar:
        for _ in range(8):
            bar.update(250_000)
    out, err = capsys.readouterr()
    assert out == ""
    words = "Downloading http://localhost/data.bin (4.0 MB), from 2.0 MB on"
    assert err == f"{words} 60% 70% 80% 90% 100%\n"


def test_the_line_of_text_bears_a_length_that_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with Progress("http://localhost/data.bin", 0, None) as bar:
        bar.update(250_000)
    assert capsys.readouterr().err == "Downloading http://localhost/data.bin\n"


def test_the_bar_begins_where_the_download_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    with Progress("http://localhost/data.bin", 500, 1000) as bar:
        bar.update(500)
    err = capsys.readouterr().err
    assert "data.bin:  50%" in err
    assert "data.bin: 100%" in err
