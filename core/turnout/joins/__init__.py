"""Join two parts of an answer from two targets: rules for text, without I/O."""
