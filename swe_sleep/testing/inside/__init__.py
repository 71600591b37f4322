"""Programs that run inside a sandbox, in the project's environment: copied there, never imported
by us. Standard library, pytest (7 to 9) and coverage only; Python 3.8 and later."""
