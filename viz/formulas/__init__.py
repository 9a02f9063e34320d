"""What each operation computes, and its derivatives, as formulas in text and LaTeX."""
