"""The steps of the programs that ask about tokens: are elements kept whole, how long are chunks?"""
