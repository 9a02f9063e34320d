"""Programs as text: to be read, stored, and written as modules that need only NumPy."""
