"""What the commands share: their arguments, their data, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from micrograd.datasets.command import OneLineParser, whole_from
from micrograd.datasets.digits import load_digits, load_mnist
from micrograd.errors import ArgumentError, DatasetError, MicrogradError, extra
from micrograd.training import keep_freed_memory

Data = tuple[tuple[Any, Any], tuple[Any, Any]]


def new_parser(name: str, description: str | None, out: str) -> OneLineParser:
    """Return a parser with the arguments that all commands take.

    Args:
        name: what the command is called.
        description: what it does, for --help.
        out: the folder that pictures go to by default.
    """
    prog = f"python -m micrograd {name}".rstrip()
    parser = OneLineParser(prog=prog, description=description, allow_abbrev=False)
    parser.add_argument(
        "--seed", type=whole_from(0), default=0, help="for weights and batches; default: 0"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(out), help=f"the folder for the pictures; default: {out}"
    )
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Let a command take --data."""
    parser.add_argument(
        "--data",
        type=_data,
        metavar="mnist|digits|FOLDER",
        help="what to learn: MNIST (from the folder in MICROGRAD_DATA, else from a cache, else "
        "downloaded), scikit-learn's digits (8 x 8, no download), or MNIST from a folder; "
        "default: MNIST, and the digits where it cannot be had",
    )


def _data(text: str) -> str:
    if text not in ("mnist", "digits") and not os.path.isdir(text):
        raise argparse.ArgumentTypeError(
            f"expected mnist, digits or a folder with MNIST, but came {text!r}"
        )
    return text


def load_data(named: str | None, flatten: bool = True) -> tuple[str, Data]:
    """Return what a data set is called, and the data.

    Raises:
        DatasetError: if MNIST was asked for and is not there.
    """
    if named == "digits":
        return "digits", load_digits(flatten=flatten)
    if named == "mnist":
        return "MNIST", load_mnist(flatten=flatten)
    if named is not None:
        return "MNIST", load_mnist(flatten=flatten, folder=named)
    try:
        return "MNIST", load_mnist(flatten=flatten)
    except DatasetError as error:
        print(f"No MNIST, so these are the digits. {str(error).splitlines()[0]}")
        return "digits", load_digits(flatten=flatten)


def make_folder(folder: Path) -> Path:
    """Make the folder for the pictures, before anything takes time.

    Raises:
        ArgumentError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--out {folder}: cannot make that folder ({error.strerror})."
        raise ArgumentError(message) from error
    return folder


def run(
    parser: argparse.ArgumentParser,
    body: Callable[[argparse.Namespace], None],
    arguments: list[str] | None,
) -> int:
    """Do what a command does, and return its exit code."""
    options = parser.parse_args(arguments)
    keep_freed_memory()
    try:
        extra("matplotlib.figure", "a picture")  # now, and not after a long training
        make_folder(options.out)
        body(options)
    except (MicrogradError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped.", file=sys.stderr)
        return 130
    return 0
