"""From recorded calls to programs that run at the speed of arrays."""
