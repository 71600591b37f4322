"""Proving suspicions by running the code before and after a change on the same inputs."""
