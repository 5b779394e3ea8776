//! What is around the picture. Each module draws one part from a [`super::state::View`] and appends actions.

pub mod cards;
pub mod details;
pub mod empty;
pub mod fault;
pub mod figures;
pub mod log;
pub mod overlay;
pub mod questions;
pub mod share;
pub mod top_bar;
pub mod tree;
