"""The version, in one place: packaging reads it too."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
