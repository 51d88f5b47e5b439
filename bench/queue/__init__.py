"""Benchmarks of the queue: jobs a second beside peers, latency, many agents."""
