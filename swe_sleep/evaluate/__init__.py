"""Runs of task suites with and without notes, and what they show. Nothing yet."""
