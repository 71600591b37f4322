"""From an issue to a verified patch: what sleep prepared, the built-in search, the agent."""
