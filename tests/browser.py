"""A browser, a notebook and JupyterLab for tests, all of which must be there in CI."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

CHROMIUM = shutil.which("chromium")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_PATIENCE = 60.0  # seconds for a server to start, or a notebook to run


def missing(*packages: str) -> list[str]:
    """Return which of some packages, and Chromium, are not installed."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    return absent if CHROMIUM else [*absent, "chromium"]


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skip a test where packages or Chromium are missing, but not in CI."""
    absent = missing(*packages)
    reason = f"needs {', '.join(absent)}: pip install -e '.[browser]', apt-get install chromium"
    return pytest.mark.skipif(bool(absent) and not os.environ.get("CI"), reason=reason)


@contextmanager
def launched() -> Generator[Any, None, None]:
    """Run a headless Chromium and give Playwright's handle of it."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "CI must have chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def write_notebook(path: Path, source: str) -> None:
    """Write a notebook with one cell, which has not run."""
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "cell",
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": [cell],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")


_RUN = """
import sys, nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
source, executed, page = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
NotebookClient(notebook, kernel_name="python3").execute()
nbformat.write(notebook, executed)
exporter = HTMLExporter(mathjax_url="", require_js_url="", mermaid_js_url="")
with open(page, "w", encoding="utf-8") as file:
    file.write(exporter.from_notebook_node(notebook)[0])
"""


def run_notebook(source: Path, executed: Path, page: Path) -> None:
    """Run a notebook; write it with its outputs, and as a page that loads nothing more."""
    command = [sys.executable, "-c", _RUN, str(source), str(executed), str(page)]
    done = subprocess.run(
        command,
        env=surroundings(source.parent),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def jupyterlab(folder: Path) -> Generator[str, None, None]:
    """Run a JupyterLab of its own on a folder and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}"),
    ]
    with (folder / "jupyterlab.log").open("wb") as log:
        server = subprocess.Popen(command, env=surroundings(folder), stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/api/status", server, folder / "jupyterlab.log")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def surroundings(folder: Path) -> dict[str, str]:
    """Return an environment in which Jupyter keeps its files below a folder, and asks nothing."""
    home = folder / ".home"
    settings = home / "CONFIG" / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    news = {"@jupyterlab/apputils-extension:announcements": True}
    settings.write_text(json.dumps({"disabledExtensions": news}), encoding="utf-8")
    own = {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    jupyter = {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    return os.environ | own | jupyter


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    direct = build_opener(ProxyHandler({}))
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with direct.open(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")
