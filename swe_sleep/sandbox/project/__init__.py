"""What a repository says of the environment that its tests need, read and never run.

One module a kind of file; each adds to one `Found` (`found.py`), and `project.py` makes of it what
the installer and the tests are told. Everything read here is the repository's own text, and may be
hostile: only plain names with versions, paths inside the repository, and known options get out.
"""
