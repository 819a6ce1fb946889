"""Encoders: contents in, unit vectors out. Heavy packages stay in one leaf module each."""
