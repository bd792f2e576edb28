"""Many photos at once: found, shared among processes, journaled, summed up. `run.run_batch` is its one entry."""
