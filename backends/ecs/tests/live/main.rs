//! The backend on a double of AWS.

mod kinds;
mod plans;
mod rollouts;
mod stage;
