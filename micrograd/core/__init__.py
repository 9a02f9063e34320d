"""The engine to read first: modes, node, op, record, passes, backward, in this order."""
