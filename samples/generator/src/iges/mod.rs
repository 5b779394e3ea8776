//! Writes IGES 5.3 files (US PRO/IPO-100, Initial Graphics Exchange Specification 5.3) in the fixed 80-column form.
//!
//! [`IgesFile`] knows records, sequence numbers and pointers; [`write`] turns a [`crate::kit::Catalogue`] into entities.

mod emit;
mod file;
mod shapes;

pub use emit::write;
pub use file::{De, Entity, IgesFile, IgesUnit, Params, real};
