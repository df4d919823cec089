"""The steps of an export of tracks: which regions, p on them, files for browsers."""
