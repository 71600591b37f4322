"""The built-in solver: program repair by search, without a model."""
