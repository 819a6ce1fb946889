"""The generated world of `mini`: everyday things that can be seen, heard and written about.

Everything is seeded with NumPy generators; the same seed gives the same pictures, sounds and
sentences. Nothing here imports torch.
"""
