"""Which split a group of documents belongs to, and what training text must not state."""
