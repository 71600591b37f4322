"""Private copies of a repository in which commands run: in containers, or as local processes."""
