"""Arrays in files: written whole or not at all, and read without trusting what is in them."""

from micrograd.saving.arrays import load, save

__all__ = ["load", "save"]
