"""A training in a file, so that it can go on after it was killed, bit for bit the same."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.errors import CheckpointError, MicrogradError, SavedFileError
from micrograd.saving.arrays import read_npz, write_npz
from micrograd.saving.files import remove_unfinished

Arrays = dict[str, NDArray[Any]]

_FORMAT = 1
_TEXT = "training"  # the entry that holds what is no array, as JSON
_WAY_OUT = "To begin anew and overwrite it, use resume=False; or give another checkpoint="


@dataclass
class Saved:
    """What a checkpoint holds.

    Attributes:
        arrays: by part, such as "model" and "optimizer", arrays by name.
        facts: what is no array: the place in the data, states of generators.
    """

    arrays: dict[str, Arrays]
    facts: dict[str, Any]


def write(path: str | os.PathLike[str], saved: Saved) -> None:
    """Write a checkpoint, whole or not at all.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.ckpt")
    ...     write(path, Saved({"model": {"w": np.ones(1)}}, {"epoch": 3}))
    ...     found = read(path)
    >>> found.arrays["model"]["w"], found.facts["epoch"]
    (array([1.]), 3)
    """
    text = json.dumps({"format": _FORMAT, **saved.facts}).encode()
    flat = {
        f"{part}/{name}": array
        for part, arrays in saved.arrays.items()
        for name, array in arrays.items()
    }
    write_npz(path, {_TEXT: np.frombuffer(text, np.uint8), **flat})


def read(path: str | os.PathLike[str]) -> Saved | None:
    """Return what a checkpoint holds, or None if there is none.

    What earlier runs left unfinished beside it is removed.

    Raises:
        CheckpointError: if it is damaged, or was not written by `write`.
    """
    remove_unfinished(path)
    if not Path(path).exists():
        return None
    try:
        flat = read_npz(path, max_bytes=os.stat(path).st_size)
        facts = json.loads(flat.pop(_TEXT).tobytes())
        if facts.pop("format") != _FORMAT:
            raise ValueError("it is of another version")
        arrays: dict[str, Arrays] = {}
        for name, array in flat.items():
            part, _, rest = name.partition("/")
            arrays.setdefault(part, {})[rest] = array
        return Saved(arrays, facts)
    except (SavedFileError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"fit: the checkpoint {os.fspath(path)} is damaged, or no checkpoint of fit ({error}). "
            f"{_WAY_OUT}."
        ) from error


def misfit(path: str | os.PathLike[str], what: str) -> CheckpointError:
    """Return the error for a checkpoint that is whole, but that of another training.

    >>> misfit("run.ckpt", "has 3 batches an epoch and the data 4")
    CheckpointError('fit: the checkpoint run.ckpt has 3 batches an epoch and the data 4. Nothing \
was changed. To begin anew and overwrite it, use resume=False; or give another checkpoint=.')
    """
    return CheckpointError(
        f"fit: the checkpoint {os.fspath(path)} {what}. Nothing was changed. {_WAY_OUT}."
    )


def restore(path: str | os.PathLike[str], parts: Mapping[str, Any], saved: Saved) -> None:
    """Load each part of a checkpoint into what it is the state of, or none of them.

    Args:
        path: where it is from, for messages.
        parts: by the name of a part, what has state_dict() and load_state_dict().
        saved: what the checkpoint holds.

    Raises:
        CheckpointError: if one of them does not fit.
    """
    before = {name: part.state_dict() for name, part in parts.items()}
    try:
        for name, part in parts.items():
            part.load_state_dict(saved.arrays.get(name, {}))
    except (MicrogradError, KeyError, ValueError, TypeError) as error:
        for name, part in parts.items():
            part.load_state_dict(before[name])
        raise misfit(path, f"does not fit: {error}") from error
