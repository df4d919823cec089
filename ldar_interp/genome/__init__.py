"""Letters and coordinates: the only room that reads sequence."""
