"""Tasks with known answers: what they are, and where they come from."""
