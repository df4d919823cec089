"""Numbers from arrays: resampling by group, effects, tests. No genome, no torch, no drawing."""
