"""What the commands share: how they say that their arguments are wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong with the arguments.

    >>> OneLineParser(prog="python -m example").parse_args([])
    Namespace()
    """

    def error(self, message: str) -> NoReturn:
        """Print the message and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message}. Run it with --help for what it takes.\n")


def whole_from(least: int) -> Callable[[str], int]:
    """Return what makes a whole number from `least` on of an argument.

    >>> whole_from(1)("7")
    7
    """

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least} on, but came {text!r}"
            )
        return int(text)

    return convert
