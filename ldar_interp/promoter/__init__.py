"""The steps of a promoter-motif profile, its files and its messages."""
