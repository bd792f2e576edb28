"""clausescan."""
