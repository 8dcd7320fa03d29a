"""Files of a kernel source tree, and its built modules."""
