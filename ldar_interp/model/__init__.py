"""LDARNet in plain PyTorch. Knows letters, not genomes."""
