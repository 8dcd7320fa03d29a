"""Near duplicates: shingles, MinHash signatures, the search with the engine."""
