"""Media: files in, moments and their contents out."""
