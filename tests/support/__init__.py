"""Servers that the tests talk to, written from the protocols' descriptions alone."""
