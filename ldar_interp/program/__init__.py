"""What programs share: options, settings, the opening of models, the writing of tables."""
