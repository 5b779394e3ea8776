//! The equipment. Each model stands on z = 0 with the middle of its footprint near the origin.

pub mod belt_conveyor;
pub mod floor_layout;
pub mod inspection_station;
pub mod machining_cell;
pub mod palette;
pub mod pallet;
pub mod robot_arm;
pub mod roller_conveyor;
pub mod safety_fence;
