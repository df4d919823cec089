"""Thirty-six small runs that five analyses share: trained here, measured here, read by them."""
