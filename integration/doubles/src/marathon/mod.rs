//! A double of Marathon, with Metronome beside it.
