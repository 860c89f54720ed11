//! What the API server makes of the documents that it is given, so that it does not look like a difference.
