"""From states to classes: pooling, heads, frozen probes, fine-tuning, and the floors below them."""
