"""A program at work: arguments, inputs, results, and what is left in nodes."""
