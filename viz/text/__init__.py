"""What pictures and explanations write: numbers, names, lines, formulas."""
