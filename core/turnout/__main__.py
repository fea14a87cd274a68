"""`python -m turnout` is the command `turnout`."""

from turnout.cli import main

# The other branch is an import, which nothing does.
if __name__ == "__main__":  # pragma: no branch
    main()
