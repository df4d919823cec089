"""How does the splice profile emerge in training, and do seeds agree on where boundaries are?"""
