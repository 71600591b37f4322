"""Outlines of files, made with tree-sitter, and the graph over them.

`outline.py` is what a file holds, `graph.py` how files hang together, `compare.py` and
`breakage.py` what a change of one does to the rest. A language is one module in `languages/`.
"""
