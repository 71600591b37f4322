"""Programs that run inside a sandbox, beside those of the testing room: copied there, never
imported by us. Standard library and pytest only; Python 3.8 and later."""
