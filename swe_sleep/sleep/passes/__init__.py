"""The passes, one file each, in the order of what reads what."""
