//! What AWS fills in by itself, taken out of comparisons.
