//! What the servers fill in by itself, taken out of comparisons.
