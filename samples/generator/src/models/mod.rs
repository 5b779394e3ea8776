//! The equipment. Each model stands on z = 0 with the middle of its footprint near the origin.

pub mod air_compressor;
pub mod belt_conveyor;
pub mod cnc_lathe;
pub mod floor_layout;
pub mod forklift;
pub mod gantry_crane;
mod hardware;
pub mod heat_exchanger;
pub mod hydraulic_press;
pub mod injection_moulder;
pub mod inspection_station;
pub mod laser_cutter;
pub mod machining_cell;
pub mod palette;
pub mod pallet;
pub mod process_tank;
pub mod robot_arm;
pub mod roller_conveyor;
pub mod safety_fence;
pub mod storage_rack;
pub mod switch_cabinets;
pub mod tunnel_oven;
