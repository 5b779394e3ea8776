//! A picture that nobody sees, drawn before the first viewer comes: what is made when something is drawn for the first time
//! (programs of the device, models in its memory) is there then. Nothing is drawn after it until somebody watches.

use crate::device::Device;
use rr_render::{FrameOptions, GpuError, RenderTarget};
use rr_scene::SceneSnapshot;

/// A step takes up a few dozen megabytes of models; what is larger than all of them comes while somebody watches.
const STEPS: u32 = 100;

/// How far it is.
#[derive(Default)]
pub(crate) struct Rehearsal {
    target: Option<RenderTarget>,
    steps: u32,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// There is nothing to draw yet.
    Wait,
    /// Some of it is still to be made.
    Step,
    Over,
}

impl Rehearsal {
    /// Draws what a viewer would get, in motion and at rest.
    pub fn step(
        &mut self,
        device: &mut Device,
        scene: &SceneSnapshot,
        (width, height): (u32, u32),
        pictures: [FrameOptions; 2],
    ) -> Result<Next, GpuError> {
        if scene.models.is_empty() {
            return Ok(Next::Wait);
        }
        let target = match &mut self.target {
            Some(target) => target,
            none => none.insert(RenderTarget::new(&device.gpu, width, height, 1)?),
        };
        let mut waiting = 0;
        for options in &pictures {
            waiting = device.renderer.render(target, scene, options)?.waiting_models;
        }
        target.read_back(|_, _| ())?;
        self.steps += 1;
        Ok(if waiting > 0 && self.steps < STEPS { Next::Step } else { Next::Over })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_render::{AdapterChoice, Gpu, Theme};
    use rr_scene::{
        Assembly, Command, Device as Machine, DeviceKind, Instance, Mesh, Model, ModelRef, Part, Role, Transform,
        UpAxis, Workspace,
    };
    use std::collections::HashMap;
    use std::sync::Arc;

    fn triangle() -> Mesh {
        let mut mesh = Mesh::default();
        mesh.positions.extend([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
        mesh.normals.extend([[0.0, 0.0, 1.0]; 3]);
        mesh.indices.extend([0, 1, 2]);
        mesh
    }

    fn scene() -> SceneSnapshot {
        let model_ref = ModelRef { path: "part".into(), unit: None, up: Some(UpAxis::Y) };
        let part = Part { name: String::new(), mesh: triangle() };
        let place = Instance { part: 0, name: String::new(), model_from_part: glam::Affine3A::IDENTITY, colour: None };
        let model = Model::of(&Assembly { parts: vec![part], instances: vec![place] });
        let mut workspace = Workspace::new("one");
        let machine = Machine {
            id: "a".into(),
            name: "A".into(),
            kind: DeviceKind::KNOWN[0].clone(),
            model: Some(model_ref.clone()),
            transform: Transform::default(),
            properties: Default::default(),
        };
        workspace.apply(&Command::AddDevice(machine), Role::Admin).unwrap();
        let models = Arc::new(HashMap::from([(model_ref, Arc::new(model))]));
        SceneSnapshot { revision: 1, workspace: Arc::new(workspace), models, ..SceneSnapshot::default() }
    }

    #[test]
    fn afterwards_the_device_has_all_that_a_viewer_sees() {
        let gpu = match Gpu::headless(AdapterChoice::Software) {
            Ok(gpu) => gpu,
            Err(error) => return println!("skipped: {error}"),
        };
        let mut device = Device::new(gpu, Theme::DARK, None).unwrap();
        let (mut rehearsal, pictures) = (Rehearsal::default(), [FrameOptions::default(); 2]);
        let nothing = rehearsal.step(&mut device, &SceneSnapshot::default(), (64, 64), pictures).unwrap();
        assert_eq!(nothing, Next::Wait);
        let scene = scene();
        let steps = (0..STEPS).map(|_| rehearsal.step(&mut device, &scene, (64, 64), pictures).unwrap());
        assert!(steps.take_while(|next| *next == Next::Step).count() < 5);
        let mut target = RenderTarget::new(&device.gpu, 64, 64, 1).unwrap();
        let stats = device.renderer.render(&mut target, &scene, &pictures[0]).unwrap();
        assert_eq!((stats.waiting_models, stats.triangles), (0, 1));
    }
}
