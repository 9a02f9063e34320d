"""What a function reads from outside of it, and whether that is what it was."""
