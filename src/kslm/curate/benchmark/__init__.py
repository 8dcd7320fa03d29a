"""gold.benchmark: questions about held-out entities, and what simple guesses answer."""
