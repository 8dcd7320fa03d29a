"""The rules of tests/bundle_check.py, a module a subject."""
