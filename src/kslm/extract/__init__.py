"""Bronze rows to texts: what of a file is worth learning, and what it belongs to."""
