//! Where an imported model is put: on the floor, beside what is there.

use glam::Vec3;
use rr_scene::{Aabb, Device, DeviceKind, ModelRef, PropertyValue, Transform, Workspace};
use std::path::Path;

/// Free space between devices, metres.
const GAP: f32 = 0.5;

/// A device for a freshly read model.
///
/// `bounds` is the model's box in its own space (metres, Y up), `occupied` the box around everything placed so far.
pub(crate) fn device_for(
    workspace: &Workspace,
    model: ModelRef,
    file: &Path,
    bounds: &Aabb,
    occupied: &Aabb,
) -> Device {
    let name = file.file_stem().map_or_else(|| "Model".into(), |s| s.to_string_lossy().into_owned());
    let name: String = name.replace(['_', '-'], " ").chars().filter(|c| !c.is_control()).take(80).collect();
    let name = if name.trim().is_empty() { "Model".to_owned() } else { name };
    let centre = bounds.centre();
    let left = if occupied.is_empty() { -bounds.size().x * 0.5 } else { occupied.max.x + GAP };
    let position = Vec3::new(left - bounds.min.x, -bounds.min.y, -centre.z);
    let file_name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Device {
        id: workspace.free_device_id(&name),
        kind: guess_kind(&name),
        name,
        model: Some(model),
        transform: Transform::at(if position.is_finite() { position } else { Vec3::ZERO }),
        properties: [("source".to_owned(), PropertyValue::Text(file_name))].into(),
    }
}

/// What a device probably is, by the words in its name; the engineer can say otherwise.
fn guess_kind(name: &str) -> DeviceKind {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&["conveyor", "belt", "roller"]) {
        DeviceKind::Conveyor
    } else if has(&["robot", "irb", "kuka", "fanuc", "ur3", "ur5", "ur10", "kr10"]) {
        DeviceKind::RobotArm
    } else if has(&["pallet"]) {
        DeviceKind::Pallet
    } else if has(&["mill", "lathe", "cnc", "machining", "cell"]) {
        DeviceKind::MachiningCell
    } else if has(&["sensor", "camera", "inspection"]) {
        DeviceKind::Sensor
    } else if has(&["bench", "station", "work"]) {
        DeviceKind::WorkCenter
    } else {
        DeviceKind::Equipment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stand_on_the_floor_side_by_side() {
        let ws = Workspace::new("w");
        let key = ModelRef { path: "a".into(), unit: None, up: Default::default() };
        let bounds = Aabb { min: Vec3::new(5.0, -2.0, 10.0), max: Vec3::new(7.0, 1.0, 12.0) };
        let mut occupied = Aabb::EMPTY;
        for _ in 0..3 {
            let device = device_for(&ws, key.clone(), Path::new("/x/roller_conveyor.igs"), &bounds, &occupied);
            let placed = bounds.transformed(&device.transform.world_from_device());
            assert!(placed.min.y.abs() < 1e-6 && placed.centre().z.abs() < 1e-6);
            assert!(occupied.is_empty() || placed.min.x >= occupied.max.x + GAP - 1e-5);
            assert_eq!((device.name.as_str(), device.kind), ("roller conveyor", DeviceKind::Conveyor));
            occupied = occupied.union(placed);
        }
    }
}
