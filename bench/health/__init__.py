"""What health costs: kernel logs read and judged."""
