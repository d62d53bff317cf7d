//! What an accelerometer in a car feels, made up after what is published, and what is made of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod chance;
mod crashes;
mod events;
mod judged;
mod mount;
mod road;
