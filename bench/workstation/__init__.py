"""What the arbiter costs: at rest, in front of a command, and under a crowd."""
