"""A graph told in words: the chain rule written out, and the stepper."""
