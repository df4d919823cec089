"""Where we look: tables of edges. Reads annotation and genome, never a model."""
