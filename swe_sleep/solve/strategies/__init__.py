"""Ways to spend several runs of the agent on one issue."""
