"""The experiments of chapters 5 to 7 of *Deep Learning from Scratch*, as commands."""
