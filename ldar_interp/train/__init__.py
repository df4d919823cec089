"""Pretraining: data, masking, schedule, loop. Knows the model and letters."""
