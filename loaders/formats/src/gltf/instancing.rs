//! EXT_mesh_gpu_instancing: a node places its mesh many times, with the transforms in accessors.

use super::accessor::{Data, Fault};
use glam::{Affine3A, Quat, Vec3};
use gltf::json;

const EXTENSION: &str = "EXT_mesh_gpu_instancing";

/// Where the node places its mesh, relative to itself; `None` when it does so once, as usual.
pub fn transforms(node: &json::Node, data: &mut Data<'_>) -> Option<Result<Vec<Affine3A>, Fault>> {
    let attributes = node.extensions.as_ref()?.others.get(EXTENSION)?.get("attributes")?;
    let accessor = |name: &str| attributes.get(name).and_then(|v| usize::try_from(v.as_u64()?).ok());
    let mut read = || -> Result<Vec<Affine3A>, Fault> {
        let translations = accessor("TRANSLATION").map(|a| data.floats(a, [0.0; 3], 3)).transpose()?;
        let rotations = accessor("ROTATION").map(|a| data.floats(a, [0.0; 4], 4)).transpose()?;
        let scales = accessor("SCALE").map(|a| data.floats(a, [1.0; 3], 3)).transpose()?;
        let lengths =
            [translations.as_ref().map(Vec::len), rotations.as_ref().map(Vec::len), scales.as_ref().map(Vec::len)];
        let count = lengths.iter().flatten().min().copied().ok_or("it has no transforms")?;
        let at = |i: usize| {
            let translation = translations.as_ref().map_or(Vec3::ZERO, |t| Vec3::from(t[i]));
            let rotation = rotations.as_ref().map_or(Quat::IDENTITY, |r| super::rotation_of(r[i]));
            let scale = scales.as_ref().map_or(Vec3::ONE, |s| Vec3::from(s[i]));
            Affine3A::from_scale_rotation_translation(scale, rotation, translation)
        };
        Ok((0..count).map(at).collect())
    };
    Some(read())
}
