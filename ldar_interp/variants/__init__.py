"""The steps and files of variant scoring: log-odds of the masked base, change of boundaries."""
