"""The version, which the build reads from here."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
