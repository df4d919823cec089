"""The parts of the kmer-null program: settings, steps, files of the result."""
