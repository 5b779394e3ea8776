//! The sample workspace: a small production line that machines turned parts, measures them and stacks them on pallets.

use anyhow::{Context, Result};
use glam::{Quat, Vec3};
use rr_scene::{
    Camera, Command, Connection, Device, DeviceId, DeviceKind, ModelRef, NamedView, PropertyValue, Role, Transform,
    UpAxis, Workspace,
};

/// Where a device stands: metres on the floor as in the layout drawing (x along the line, y to the back), a lift, and a
/// turn in degrees, counter-clockwise seen from above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(pub f64, pub f64, pub f64, pub f64);

impl Place {
    /// The place in the workspace's space: Y up, the line's back at -Z.
    pub(crate) fn transform(self) -> Transform {
        let Self(x, y, lift, turn) = self;
        let (s, c) = (turn.to_radians() / 2.0).sin_cos();
        // Rounded, so that the last bits of sines never change the file.
        let round = |v: f64| ((v * 1e6).round() / 1e6) as f32;
        Transform {
            position: Vec3::new(x as f32, lift as f32, 0.0 - y as f32),
            rotation: Quat::from_xyzw(0.0, round(s), 0.0, round(c)),
            scale: 1.0,
        }
    }
}

type Properties<'a> = &'a [(&'a str, PropertyValue)];

/// The workspace, with model paths relative to its file.
pub fn workspace() -> Result<Workspace> {
    let mut w = Workspace::new("Sample production line");
    devices(&mut w)?;
    for (source, target, kind) in [
        ("infeed-conveyor", "loading-robot", "production_flow"),
        ("loading-robot", "machining-cell", "production_flow"),
        ("machining-cell", "outfeed-conveyor", "production_flow"),
        ("outfeed-conveyor", "inspection-station", "production_flow"),
        ("inspection-station", "palletising-robot", "production_flow"),
        ("palletising-robot", "pallet-full", "material"),
        ("inspection-station", "machining-cell", "data"),
    ] {
        let (source, target) = (DeviceId::from(source), DeviceId::from(target));
        let id = w.free_connection_id(&source, &target);
        apply(&mut w, &Command::AddConnection(Connection { id, source, target, kind: kind.to_owned() }))?;
    }
    for (name, target, distance, yaw, pitch) in [
        ("Whole line", [0.2, 0.6, -0.5], 15.5, -28.0, 27.0),
        ("Loading the machine", [-2.0, 0.9, -0.6], 6.4, 32.0, 20.0),
        ("Inspection and pallets", [4.6, 0.7, -0.4], 6.2, -36.0, 24.0),
    ] {
        let camera = Camera {
            target: Vec3::from_array(target),
            distance,
            yaw: radians(yaw),
            pitch: radians(pitch),
            ..Camera::default()
        };
        apply(&mut w, &Command::SaveView(NamedView { name: name.to_owned(), camera }))?;
    }
    Ok(w)
}

fn devices(w: &mut Workspace) -> Result<()> {
    use DeviceKind::{Conveyor, Equipment, MachiningCell, Pallet, RobotArm, WorkCenter};
    let place = |x, y, turn| Place(x, y, 0.0, turn);
    let robot: Properties = &[
        ("model", text("RA-20/1.7")),
        ("axes", number(6.0)),
        ("payload_kg", number(20.0)),
        ("reach_m", number(1.7)),
        ("power_kw", number(3.5)),
    ];
    // Just above the floor, so that the drawing is not hidden by it.
    let drawn: Properties = &[("revision", text("C")), ("scale", text("1:1"))];
    add(w, "Floor layout", Equipment, "floor-layout.igs", Place(0.0, 0.0, 0.002, 0.0), drawn)?;
    add(
        w,
        "Infeed conveyor",
        Conveyor,
        "belt-conveyor.igs",
        place(-4.1, 0.0, 0.0),
        &[
            ("model", text("BC-560-2400")),
            ("speed_m_per_min", number(12.0)),
            ("power_kw", number(0.55)),
            ("width_mm", number(560.0)),
        ],
    )?;
    add(w, "Loading robot", RobotArm, "robot-arm.igs", place(-1.8, 0.0, 180.0), robot)?;
    add(
        w,
        "Machining cell",
        MachiningCell,
        "machining-cell.igs",
        place(-1.16, 2.4, 0.0),
        &[
            ("model", text("VMC-1000")),
            ("cycle_time_s", number(94.0)),
            ("spindle_rpm", number(12_000.0)),
            ("power_kw", number(22.0)),
            ("door_interlock", PropertyValue::Bool(true)),
        ],
    )?;
    add(
        w,
        "Outfeed conveyor",
        Conveyor,
        "roller-conveyor.igs",
        place(0.8, 0.0, 0.0),
        &[
            ("model", text("RC-620-24")),
            ("speed_m_per_min", number(15.0)),
            ("power_kw", number(0.75)),
            ("rollers", number(24.0)),
        ],
    )?;
    add(
        w,
        "Inspection station",
        WorkCenter,
        "inspection-station.stl",
        place(3.35, 0.0, 0.0),
        &[
            ("model", text("OI-1200")),
            ("cycle_time_s", number(18.0)),
            ("resolution_um", number(5.0)),
            ("power_kw", number(0.9)),
        ],
    )?;
    add(w, "Palletising robot", RobotArm, "robot-arm.igs", place(5.2, 0.0, 135.0), robot)?;
    add(
        w,
        "Pallet full",
        Pallet,
        "pallet-loaded.stl",
        place(5.2, 1.6, 0.0),
        &[("cartons", number(16.0)), ("load_kg", number(312.0))],
    )?;
    add(w, "Pallet empty", Pallet, "pallet.stl", place(6.9, 0.0, 90.0), &[("cartons", number(0.0))])?;
    for x in [-2.8, -0.8, 5.2] {
        add(w, "Safety fence", Equipment, "safety-fence.igs", place(x, -1.9, 0.0), &[("height_mm", number(2040.0))])?;
    }
    Ok(())
}

fn add(w: &mut Workspace, name: &str, kind: DeviceKind, file: &str, at: Place, properties: Properties) -> Result<()> {
    let device = Device {
        id: w.free_device_id(name),
        name: name.to_owned(),
        kind,
        model: Some(ModelRef { path: format!("models/{file}"), unit: None, up: Some(UpAxis::Z) }),
        transform: at.transform(),
        properties: properties.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
    };
    apply(w, &Command::AddDevice(device))
}

pub(crate) fn apply(w: &mut Workspace, command: &Command) -> Result<()> {
    let outcome = w.apply(command, Role::Admin);
    outcome.map(|_| ()).with_context(|| format!("the sample workspace: {command:?}"))
}

pub(crate) fn radians(degrees: f64) -> f32 {
    ((degrees.to_radians() * 1e6).round() / 1e6) as f32
}

pub(crate) fn text(v: &str) -> PropertyValue {
    PropertyValue::Text(v.to_owned())
}

pub(crate) fn number(v: f64) -> PropertyValue {
    PropertyValue::Number(v)
}
