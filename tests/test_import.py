"""Importing changes nothing of the process: not its memory, signals, warnings or numbers."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from typing import Any

import pytest

import micrograd

STATE = """
import atexit, copyreg, gc, json, locale, os, signal, sys, threading, warnings
import ctypes
import graphviz
import numpy as np

told = []
sys.addaudithook(lambda event, args: event == "ctypes.dlsym" and told.append(args[1]))

def state():
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "hooks": [repr(getattr(sys, name)) for name in
                  ("excepthook", "unraisablehook", "displayhook", "breakpointhook")],
        "threads": [thread.name for thread in threading.enumerate()],
        "signals": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())],
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.flags.dev_mode],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
        "traced": [repr(sys.gettrace()), repr(sys.getprofile())],
        "at exit": atexit._ncallbacks(),
        "warnings": [repr(entry) for entry in warnings.filters],
        "numbers": [np.geterr(), repr(np.geterrcall()), np.getbufsize()],
        "printing": repr(np.get_printoptions()),
        "random": repr(np.random.get_state()[1][:3].tolist()),
        "locale": locale.setlocale(locale.LC_ALL),
        "pickling": sorted(map(repr, copyreg.dispatch_table)),
        "C library": [name for name in told if name.startswith("mall")],
    }
"""
IMPORT_ALL = """
import importlib, pkgutil

before = state()
import {0}

count = 0
for found in pkgutil.walk_packages({0}.__path__, "{0}."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
        count += 1
print(json.dumps([before, state(), count]))
"""


def told_by(code: str) -> Any:
    """Return what a fresh process prints as JSON."""
    run = [sys.executable, "-c", STATE + code]
    return json.loads(subprocess.check_output(run, text=True, env=os.environ))


@pytest.mark.parametrize("package", ["micrograd", "viz"])
def test_importing_a_package_whole_changes_nothing_of_the_process(package: str) -> None:
    before, after, modules = told_by(IMPORT_ALL.format(package))
    assert modules > 20
    assert after == before


def test_fit_tells_the_c_library_what_to_keep_unless_asked_not_to() -> None:
    code = """
import tempfile
from micrograd.nn import Linear, optim
from micrograd.training import fit

def told_while(call):
    told.clear()
    call()
    return told.count("mallopt")

def train(**settings):
    model = Linear(2, 2)
    sgd = optim.SGD(model.parameters(), lr=1.0)
    data = np.ones((2, 2)), np.array([0, 1])
    return lambda: fit(model, data, sgd, 1, progress=False, **settings)

print(json.dumps([told_while(train()), told_while(train(keep_memory=False))]))
"""
    environment = [name for name in os.environ if "MALLOC" in name or name == "GLIBC_TUNABLES"]
    assert told_by(code) == [0 if environment else 1, 0]


def test_the_version_is_that_of_the_installed_package() -> None:
    assert importlib.metadata.version("micrograd-graph") == micrograd.__version__
