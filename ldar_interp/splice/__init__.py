"""The parts of the splice-profile program: settings, steps, messages, files of the result."""
