"""Schedulers tried out on traces of real clusters, without a cluster. Needs NumPy (the extra `simulate`)."""
