"""Texts with questions, as in *Sleep-time Compute* (Lin et al., 2025): does reading a text before
anybody asks pay?

The sleep is `anticipate.rethinking`, the one that repositories are read with.
"""
