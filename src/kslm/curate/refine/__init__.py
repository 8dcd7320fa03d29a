"""Texts to candidates: cleaned, redacted, cut to size and judged."""
