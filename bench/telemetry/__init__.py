"""What telemetry costs: one sample of a full node beside nvitop and gpustat, and a scrape of it."""
