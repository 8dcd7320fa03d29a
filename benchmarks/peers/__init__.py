"""Tools that do what stage tokenize does, each as a script of its own; see bench_tokenize.py."""
