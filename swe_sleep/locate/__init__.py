"""From an issue's text to ranked places in the code. Nothing yet."""
