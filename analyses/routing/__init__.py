"""Are learned boundaries better than others at the same FLOPs, and robust to [MASK]?"""
