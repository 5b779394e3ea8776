//! The model: what a workspace holds and how it may change.
//!
//! Pure data and pure logic. There is no GPU, no thread, no socket and no clock in here; the only
//! format it knows is the workspace file. Everything that changes a [`Workspace`] goes through a
//! [`Command`], is checked against the sender's [`Role`] and comes out as [`Event`]s.
//!
//! Space: metres, right-handed, Y up, floor at y = 0.

pub mod camera;
pub mod command;
mod connections;
pub mod disjoint;
pub mod file;
pub mod geometry;
pub mod history;
pub mod measure;
pub mod model;
pub mod pick;
pub mod section;
pub mod shape;
pub mod snapshot;
#[cfg(test)]
mod test_shapes;
pub mod workspace;

pub use camera::{Camera, NamedViewKind};
pub use command::{Command, CommandError, Event, Role};
pub use disjoint::DisjointSets;
pub use geometry::{Aabb, Assembly, ColourRange, Instance, Mesh, Part, Rgba8, Unit, UpAxis};
pub use history::History;
pub use model::{Model, Piece, Place, StandIn};
pub use pick::{Hit, PickModel, PickModels, Ray};
pub use section::{Section, SectionPlane};
pub use shape::{Corner, Grid, Level, Levels, Segment, Shape, ShapeBuilder};
pub use snapshot::{Marks, OwnView, SceneSnapshot, ViewId};
pub use workspace::{
    Connection, ConnectionId, Device, DeviceId, DeviceKind, ModelRef, NamedView, PropertyValue, Transform, Workspace,
};
