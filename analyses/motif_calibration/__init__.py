"""Does the ladder of motifs hold its level on p simulated from letters?"""
