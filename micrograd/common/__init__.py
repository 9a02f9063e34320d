"""What every room may lean on: walks over containers, and over what functions capture."""
