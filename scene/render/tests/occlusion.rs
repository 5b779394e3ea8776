//! What stands behind other things is left out, and nobody sees a difference.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{Culling, Detail, FrameOptions, Gpu, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{DeviceKind, SceneSnapshot, Section, SectionPlane};

const SIZE: (u32, u32) = (320, 200);

struct Viewer {
    renderer: Renderer,
    target: RenderTarget,
}

impl Viewer {
    fn new(gpu: &Gpu, samples: u32) -> Self {
        let target = RenderTarget::new(gpu, SIZE.0, SIZE.1, samples).unwrap();
        Self { renderer: Renderer::new(gpu, Theme::DARK).unwrap(), target }
    }

    fn draw(&mut self, scene: &SceneSnapshot, occlusion: bool) -> (Vec<u8>, RenderStats) {
        let culling = Culling { occlusion, ..Culling::default() };
        let options = FrameOptions { detail: Detail::Fine, culling, edges: true, ..FrameOptions::bare() };
        let stats = self.renderer.render(&mut self.target, scene, &options).unwrap();
        (self.target.to_rgba().unwrap(), stats)
    }
}

/// A wall with forty rings behind it, and one beside it.
fn hall() -> SceneSnapshot {
    let wall = model_of(vec![cuboid(Vec3::new(-3.0, 0.0, -0.1), Vec3::new(3.0, 3.0, 0.1))]);
    let scene = Builder::default()
        .model("wall", wall)
        .model("ring", model_of(vec![torus(0.3, 0.1, 24)]))
        .device("wall", "wall", DeviceKind::Equipment, Vec3::ZERO)
        .device("beside", "ring", DeviceKind::Equipment, Vec3::new(3.6, 0.5, 0.0));
    rings(scene).snapshot(camera(Vec3::new(0.0, 1.2, 0.0), 8.0, 0.0, 8.0))
}

fn rings(scene: Builder) -> Builder {
    let place = |i: u8| Vec3::new(f32::from(i % 8) * 0.6 - 2.1, 0.2, -1.0 - f32::from(i / 8) * 0.8);
    (0..40).fold(scene, |s, i| s.device(&format!("ring-{i}"), "ring", DeviceKind::Equipment, place(i)))
}

fn turned(scene: &SceneSnapshot, degrees: f32) -> SceneSnapshot {
    SceneSnapshot { camera: camera(Vec3::new(0.0, 1.2, 0.0), 8.0, degrees, 8.0), ..scene.clone() }
}

#[test]
fn what_is_behind_a_wall_is_left_out_and_the_picture_stays_the_same() {
    let Some(gpu) = software() else { return };
    for samples in [1, 4] {
        let scene = hall();
        let mut viewer = Viewer::new(&gpu, samples);
        let (plain, all) = viewer.draw(&scene, false);
        assert_eq!((all.culled_hidden, all.instances), (0, 42));
        viewer.draw(&scene, true);
        let (picture, stats) = viewer.draw(&scene, true);
        assert_eq!((stats.culled_hidden, stats.instances), (40, 2), "{samples} samples");
        assert!(picture == plain, "{samples} samples");
        assert!(stats.triangles * 10 < all.triangles);
        assert!(!stats.is_refining, "nothing is missing");
    }
}

#[test]
fn a_camera_that_comes_round_the_wall_sees_what_is_behind_it() {
    let Some(gpu) = software() else { return };
    let scene = hall();
    let (mut plain, mut saving) = (Viewer::new(&gpu, 1), Viewer::new(&gpu, 1));
    saving.draw(&scene, true);
    let mut hidden = 0;
    for step in 0..60u8 {
        let scene = turned(&scene, f32::from(step) * 1.5);
        let (full, (picture, stats)) = (plain.draw(&scene, false).0, saving.draw(&scene, true));
        hidden += stats.culled_hidden;
        let differ = full.as_chunks::<4>().0.iter().zip(picture.as_chunks::<4>().0).filter(|(a, b)| a != b).count();
        // What came out from behind the wall since the last frame.
        assert!(differ < 700, "step {step}: {differ} pixels");
        if differ > 0 {
            assert!(stats.is_refining, "step {step}: a frame that misses something says so");
        }
    }
    assert!(hidden > 300, "{hidden}");
    // At rest nothing is missing from the next frame on.
    let scene = turned(&scene, 88.5);
    let (full, (picture, _)) = (plain.draw(&scene, false).0, saving.draw(&scene, true));
    assert!(full == picture);
}

#[test]
fn nothing_is_hidden_by_what_is_no_longer_there() {
    let Some(gpu) = software() else { return };
    let scene = hall();
    let mut viewer = Viewer::new(&gpu, 1);
    (0..2).for_each(|_| assert!(viewer.draw(&scene, true).1.waiting_models == 0));
    // The wall is cut away.
    let plane = SectionPlane::new(Vec3::Z, -0.5).unwrap();
    let cut = SceneSnapshot { section: Section::of([plane]), ..scene.clone() };
    let (picture, stats) = viewer.draw(&cut, true);
    assert_eq!(stats.culled_hidden, 0);
    assert!(picture == Viewer::new(&gpu, 1).draw(&cut, false).0);
    // Another scene in the same target.
    let open = SceneSnapshot { workspace: rings(Builder::default()).snapshot(scene.camera).workspace, ..scene };
    let (picture, stats) = viewer.draw(&open, true);
    assert_eq!(stats.culled_hidden, 0);
    assert!(picture == Viewer::new(&gpu, 1).draw(&open, false).0);
}
