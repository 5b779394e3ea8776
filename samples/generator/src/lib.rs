//! Our own equipment models and the sample workspace, made from code.
//!
//! [`kit`] models solids from simple exact faces, [`iges`] and [`stl`] write them, [`models`] holds the equipment,
//! [`line`] places it as a small production line and [`outputs`] says which files that gives. The same source gives the
//! same bytes on every machine, so that a test can hold the committed files against it. [`factory`] fills a whole hall,
//! for load tests.

pub mod factory;
pub mod iges;
pub mod kit;
pub mod line;
pub mod models;
pub mod outputs;
pub mod stl;
