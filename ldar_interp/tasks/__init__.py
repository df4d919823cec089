"""Downstream tasks: what is asked, the examples and their splits, leaks, published numbers."""
