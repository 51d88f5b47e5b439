"""What it costs to watch the whole fleet: `streams`."""
