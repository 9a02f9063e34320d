"""A graph at one moment, as plain data."""
