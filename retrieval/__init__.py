"""anyseek: find anything in a folder by words, by a picture or by a sound."""
