"""Which files, functions and changes are likely to need a fix, told from the past."""
