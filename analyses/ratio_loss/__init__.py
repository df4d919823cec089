"""Does compression drift without the ratio loss, and what does that loss cost?"""
