"""How well jobs are placed, on traces of real clusters."""
