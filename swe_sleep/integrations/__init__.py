"""Ways in from outside: git hooks, and the queue between them and the passes."""
