"""Boundary probabilities on the edges of a genome: where they are kept and how they are made."""
