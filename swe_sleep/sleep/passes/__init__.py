"""The passes, one file each, and what the passes about tests share (carrying, inputs, order)."""
