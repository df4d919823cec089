"""What letters alone explain: features of an edge, the cross-fitted k-mer null, residual tracks."""
