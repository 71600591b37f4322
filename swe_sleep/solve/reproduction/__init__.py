"""From an issue's text to a test that fails because of it, or the word that there is none."""
