"""From sites and their controls to tables: every rung, p and its residual, every model."""
