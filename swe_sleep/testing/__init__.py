"""pytest in a sandbox: running tests, which of them a change reaches, the proof of a patch."""
