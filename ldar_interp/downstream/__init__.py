"""The steps and files of a fine-tuning run: tasks, folds, predictions, one table of results."""
