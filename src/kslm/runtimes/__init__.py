"""Ways to run a model's files on this machine."""
