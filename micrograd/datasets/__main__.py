"""The command that fetches MNIST and verifies it: `python -m micrograd.datasets`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from micrograd.datasets import digits
from micrograd.datasets.command import OneLineParser
from micrograd.errors import DatasetError


def _report(folder: Path, name: str, wanted: bool) -> bool:
    """Say in a sentence how it stands with a file, fetched if asked; return whether it is right."""
    try:
        for path in digits.present(folder, name):
            digits.decode(digits.content(path), str(path), path.name)
            print(f"{path} is as published.")
            return True
        fault = f"{folder / name}.gz is missing."
    except OSError as error:
        fault = str(error)
    if not wanted:
        print(fault)
        return False
    try:
        path = digits.fetch(folder, name, progress=True)
    except DatasetError as error:
        print(f"{fault}\n{error}")
        return False
    print(f"{path} was downloaded and is as published.")
    return True


def main(arguments: list[str] | None = None) -> int:
    """Fetch and verify MNIST with command-line arguments, and return the exit code.

    >>> main(["--check", "--folder", "no such folder"])
    no such folder/train-images-idx3-ubyte.gz is missing.
    no such folder/train-labels-idx1-ubyte.gz is missing.
    no such folder/t10k-images-idx3-ubyte.gz is missing.
    no such folder/t10k-labels-idx1-ubyte.gz is missing.
    1
    """
    parser = OneLineParser(
        prog="python -m micrograd.datasets",
        description="Download those files of MNIST that are missing or damaged, and verify all.",
        epilog="exit codes: 0 all files are right, 1 some are not, 2 wrong arguments, 130 stopped",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("MICROGRAD_DATA") or digits.cache_folder()),
        help="where the files are, or shall be; default: where load_mnist() looks, %(default)s",
    )
    parser.add_argument("--check", action="store_true", help="only verify, download nothing")
    options = parser.parse_args(arguments)
    folder: Path = options.folder.expanduser()
    try:
        right = [_report(folder, name, not options.check) for name in digits.FILES]
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped. Run it again to go on.", file=sys.stderr)
        return 130
    if all(right):
        return 0
    if not options.check:
        print(digits.way_out(folder))
    return 1


if __name__ == "__main__":
    sys.exit(main())
