"""Serve: exact look-ups in the tables, and the champion's own words beside them."""
