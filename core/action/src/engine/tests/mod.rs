//! The engine against a scripted platform, in virtual time.

mod execute;
mod keep;
mod make;
mod platform;
mod reread;
mod share;
mod wait;
