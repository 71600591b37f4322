"""swe-sleep: a software-engineering assistant that does its thinking while nobody waits."""

__version__ = "0.1.0"
