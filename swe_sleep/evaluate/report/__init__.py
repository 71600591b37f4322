"""Figures as people and programs read them: in a terminal, as CSV and JSON, and as one page."""
