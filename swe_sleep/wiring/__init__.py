"""Concrete parts put together: what sleeps, what solves, and how Claude is reached."""
