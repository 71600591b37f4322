"""The only door to a language model: the client, its budget, the record of what was said."""
