"""What curate keeps between runs."""
