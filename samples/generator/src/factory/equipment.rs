//! The 20 models of the factory: files, kinds, names and properties.

use crate::iges::IgesUnit;
use crate::kit::Catalogue;
use crate::line::{number, text};
use crate::models::{
    air_compressor, belt_conveyor, cnc_lathe, forklift, gantry_crane, heat_exchanger, hydraulic_press,
    injection_moulder, laser_cutter, machining_cell, palette, pallet, process_tank, robot_arm, roller_conveyor,
    safety_fence, storage_rack, switch_cabinets, tunnel_oven,
};
use crate::outputs::{Format, Sample};
use rr_scene::{DeviceKind, PropertyValue};

/// Equipment of the factory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it; `sample` describes each")]
pub enum Model {
    RollerShort,
    RollerLong,
    BeltConveyor,
    RobotArm,
    RobotArmLarge,
    MachiningCell,
    CncLathe,
    InjectionMoulder,
    SafetyFence,
    StorageRack,
    GantryCrane,
    ProcessTank,
    PalletLoaded,
    HydraulicPress,
    TunnelOven,
    Forklift,
    SwitchCabinets,
    LaserCutter,
    AirCompressor,
    HeatExchanger,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::RollerShort,
        Self::RollerLong,
        Self::BeltConveyor,
        Self::RobotArm,
        Self::RobotArmLarge,
        Self::MachiningCell,
        Self::CncLathe,
        Self::InjectionMoulder,
        Self::SafetyFence,
        Self::StorageRack,
        Self::GantryCrane,
        Self::ProcessTank,
        Self::PalletLoaded,
        Self::HydraulicPress,
        Self::TunnelOven,
        Self::Forklift,
        Self::SwitchCabinets,
        Self::LaserCutter,
        Self::AirCompressor,
        Self::HeatExchanger,
    ];

    /// Path of its file beside the workspace.
    pub fn path(self) -> String {
        let (name, format, _) = self.about();
        let ending = if matches!(format, Format::Iges(_)) { "igs" } else { "stl" };
        format!("models/{name}.{ending}")
    }

    /// Its geometry and how that is written.
    pub fn sample(self) -> Sample {
        let (name, format, about) = self.about();
        Sample { name, format, about, model: self.build() }
    }

    /// What one of them is called in the name of a device.
    pub fn noun(self) -> &'static str {
        match self {
            Self::RollerShort | Self::RollerLong => "roller conveyor",
            Self::BeltConveyor => "belt conveyor",
            Self::RobotArm => "robot",
            Self::RobotArmLarge => "heavy robot",
            Self::MachiningCell => "machining centre",
            Self::CncLathe => "lathe",
            Self::InjectionMoulder => "moulding machine",
            Self::SafetyFence => "fence",
            Self::StorageRack => "rack",
            Self::GantryCrane => "crane",
            Self::ProcessTank => "tank unit",
            Self::PalletLoaded => "pallet",
            Self::HydraulicPress => "press",
            Self::TunnelOven => "oven",
            Self::Forklift => "forklift",
            Self::SwitchCabinets => "switch cabinets",
            Self::LaserCutter => "laser cutter",
            Self::AirCompressor => "compressor",
            Self::HeatExchanger => "heat exchanger",
        }
    }

    /// What a device with this model is.
    pub fn kind(self) -> DeviceKind {
        match self {
            Self::RollerShort | Self::RollerLong | Self::BeltConveyor => DeviceKind::Conveyor,
            Self::RobotArm | Self::RobotArmLarge => DeviceKind::RobotArm,
            Self::MachiningCell | Self::CncLathe => DeviceKind::MachiningCell,
            Self::InjectionMoulder | Self::HydraulicPress | Self::TunnelOven | Self::LaserCutter => {
                DeviceKind::WorkCenter
            }
            Self::PalletLoaded => DeviceKind::Pallet,
            Self::SafetyFence
            | Self::StorageRack
            | Self::GantryCrane
            | Self::ProcessTank
            | Self::Forklift
            | Self::SwitchCabinets
            | Self::AirCompressor
            | Self::HeatExchanger => DeviceKind::Equipment,
        }
    }

    /// Properties of the device with that number.
    pub fn properties(self, serial: usize) -> Vec<(&'static str, PropertyValue)> {
        let (designation, power_kw, extra): (&str, f64, (&'static str, f64)) = match self {
            Self::RollerShort => ("RC-620-24", 0.75, ("speed_m_per_min", 15.0)),
            Self::RollerLong => ("RC-620-40", 1.1, ("speed_m_per_min", 15.0)),
            Self::BeltConveyor => ("BC-560-2400", 0.55, ("speed_m_per_min", 12.0)),
            Self::RobotArm => ("RA-20/1.7", 3.5, ("payload_kg", 20.0)),
            Self::RobotArmLarge => ("RA-80/2.4", 7.5, ("payload_kg", 80.0)),
            Self::MachiningCell => ("VMC-1000", 22.0, ("cycle_time_s", 94.0)),
            Self::CncLathe => ("TL-400", 18.5, ("cycle_time_s", 52.0)),
            Self::InjectionMoulder => ("IM-2200", 37.0, ("clamping_force_kn", 2200.0)),
            Self::SafetyFence => ("SF-2000", 0.0, ("height_mm", 2040.0)),
            Self::StorageRack => ("SR-6000", 0.0, ("places", 24.0)),
            Self::GantryCrane => ("GC-5t", 6.0, ("capacity_kg", 5000.0)),
            Self::ProcessTank => ("PT-2x3000", 4.4, ("volume_l", 6000.0)),
            Self::PalletLoaded => ("EUR 1", 0.0, ("load_kg", 312.0)),
            Self::HydraulicPress => ("HP-4000", 45.0, ("force_kn", 4000.0)),
            Self::TunnelOven => ("TO-6000", 60.0, ("temperature_c", 180.0)),
            Self::Forklift => ("FL-25", 11.0, ("capacity_kg", 2500.0)),
            Self::SwitchCabinets => ("SC-6x800", 0.4, ("fields", 6.0)),
            Self::LaserCutter => ("LC-3015", 32.0, ("laser_kw", 6.0)),
            Self::AirCompressor => ("AC-500", 11.0, ("pressure_bar", 10.0)),
            Self::HeatExchanger => ("HX-2x400", 0.0, ("duty_kw", 400.0)),
        };
        let mut all = vec![
            ("model", text(designation)),
            ("serial", text(&format!("{:05}", 20_000 + serial * 7))),
            (extra.0, number(extra.1)),
        ];
        if power_kw > 0.0 {
            let state = ["running", "running", "running", "setup", "running", "idle", "running"][serial % 7];
            all.extend([("power_kw", number(power_kw)), ("state", text(state))]);
        }
        all
    }

    fn about(self) -> (&'static str, Format, &'static str) {
        use Format::{StlAscii, StlBinary};
        const MM: Format = Format::Iges(IgesUnit::Millimetre);
        const INCH: Format = Format::Iges(IgesUnit::Inch);
        match self {
            Self::RollerShort => ("roller-conveyor-24", MM, "Driven roller conveyor, 3 m."),
            Self::RollerLong => ("roller-conveyor-40", MM, "Driven roller conveyor, 5 m."),
            Self::BeltConveyor => ("belt-conveyor", INCH, "Belt conveyor, 2.4 m, in inches."),
            Self::RobotArm => ("robot-arm", MM, "Six-axis robot on a pedestal."),
            Self::RobotArmLarge => ("robot-arm-large", MM, "Six-axis robot for heavy loads."),
            Self::MachiningCell => ("machining-cell", MM, "Vertical machining centre in its housing."),
            Self::CncLathe => ("cnc-lathe", MM, "Slant-bed lathe with bar turret."),
            Self::InjectionMoulder => ("injection-moulder", MM, "Injection moulding machine."),
            Self::SafetyFence => ("safety-fence", MM, "One panel of a safety fence, 2 m."),
            Self::StorageRack => ("storage-rack", MM, "Pallet rack, two bays, four levels."),
            Self::GantryCrane => ("gantry-crane", MM, "Gantry crane on rails with a die on its hook."),
            Self::ProcessTank => ("process-tank", INCH, "Two tanks with pumps and pipes on a skid, in inches."),
            Self::PalletLoaded => ("pallet-loaded", StlBinary, "Pallet with 16 cartons."),
            Self::HydraulicPress => ("hydraulic-press", StlBinary, "Four-column hydraulic press."),
            Self::TunnelOven => ("tunnel-oven", StlBinary, "Tunnel oven with a mesh belt."),
            Self::Forklift => ("forklift", StlBinary, "Counterbalanced forklift."),
            Self::SwitchCabinets => ("switch-cabinets", StlBinary, "Row of six switch cabinets."),
            Self::LaserCutter => ("laser-cutter", StlBinary, "Laser cutter with shuttle table."),
            Self::AirCompressor => ("air-compressor", StlAscii, "Piston compressor on its receiver."),
            Self::HeatExchanger => ("heat-exchanger", StlAscii, "Two shell-and-tube heat exchangers."),
        }
    }

    fn build(self) -> Catalogue {
        match self {
            Self::RollerShort => roller_conveyor::build(24),
            Self::RollerLong => roller_conveyor::build(40),
            Self::BeltConveyor => belt_conveyor::build(),
            Self::RobotArm => robot_arm::build(robot_arm::WORKING),
            Self::RobotArmLarge => {
                let pose = robot_arm::Pose([0.0, 8.0, 34.0, 0.0, 56.0, 30.0]);
                robot_arm::build(pose).scaled(1.35).repainted(palette::ORANGE, palette::YELLOW)
            }
            Self::MachiningCell => machining_cell::build(),
            Self::CncLathe => cnc_lathe::build(),
            Self::InjectionMoulder => injection_moulder::build(),
            Self::SafetyFence => safety_fence::build(),
            Self::StorageRack => storage_rack::build(),
            Self::GantryCrane => gantry_crane::build(),
            Self::ProcessTank => process_tank::build(),
            Self::PalletLoaded => pallet::loaded(),
            Self::HydraulicPress => hydraulic_press::build(),
            Self::TunnelOven => tunnel_oven::build(),
            Self::Forklift => forklift::build(),
            Self::SwitchCabinets => switch_cabinets::build(),
            Self::LaserCutter => laser_cutter::build(),
            Self::AirCompressor => air_compressor::build(),
            Self::HeatExchanger => heat_exchanger::build(),
        }
    }
}
