"""Large graphs made small: groups, what is alike, and what folds into one."""
