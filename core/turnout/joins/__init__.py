"""Join the two parts of an answer that two targets gave: rules about text, no I/O."""
