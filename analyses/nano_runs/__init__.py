"""Thirty small runs that four analyses share: trained here, measured here, read by them."""
