"""What does the target compression N change: loss, boundary rate, lengths of chunks?"""
