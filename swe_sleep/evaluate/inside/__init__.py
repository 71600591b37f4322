"""Programs that run inside a sandbox, in the project's environment: copied there, never imported
by us. Standard library only."""
