"""A page of the documentation, made of the library: to write it, or to see that it is right."""

from __future__ import annotations

import argparse
from pathlib import Path


def main(path: Path, text: str, description: str) -> int:
    """Write a page if asked to, or say whether it is up to date; return the exit code.

    Args:
        path: where the page is.
        text: what it has to say.
        description: of the command.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--write", action="store_true", help="write the page")
    if parser.parse_args().write:
        path.write_text(text, encoding="utf-8")
        print(f"{path.name} is written.")
        return 0
    current = path.read_text(encoding="utf-8") == text
    print(f"{path.name} is {'up to date' if current else 'stale; run with --write'}.")
    return 0 if current else 1
