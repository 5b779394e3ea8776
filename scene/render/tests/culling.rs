//! The processor and the graphics device choose the same objects.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{Culler, Culling, Detail, FrameOptions, Gpu, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{Camera, DeviceKind, Rgba8, SceneSnapshot, Section, SectionPlane};

const SIZE: (u32, u32) = (320, 200);

struct Viewer {
    renderer: Renderer,
    target: RenderTarget,
    culler: Culler,
}

impl Viewer {
    fn new(gpu: &Gpu, culler: Culler) -> Self {
        let target = RenderTarget::new(gpu, SIZE.0, SIZE.1, 1).unwrap();
        Self { renderer: Renderer::new(gpu, Theme::DARK).unwrap(), target, culler }
    }

    /// The last of some frames: it knows the depth of the ones before, and their numbers.
    fn draw(&mut self, scene: &SceneSnapshot, options: &FrameOptions) -> Picture {
        let options = FrameOptions { culler: self.culler, ..*options };
        let mut stats = RenderStats::default();
        let mut rgba = Vec::new();
        // Of a camera that rests a frame more is drawn each time.
        for rest_frames in 1..5 {
            let options = FrameOptions { rest_frames, ..options };
            stats = self.renderer.render(&mut self.target, scene, &options).unwrap();
            rgba = self.target.to_rgba().unwrap();
        }
        Picture { width: SIZE.0 as usize, height: SIZE.1 as usize, rgba, stats }
    }
}

/// Machines of many kinds: of several parts, mirrored, wired, transparent, markers; with coarser versions.
fn works() -> SceneSnapshot {
    let mut cell =
        model_of(vec![cuboid(Vec3::splat(-0.4), Vec3::splat(0.4)), torus(0.5, 0.15, 40), cylinder(0.1, 1.2, 48)]);
    cell.instances[1].model_from_part = glam::Affine3A::from_scale(Vec3::new(-1.0, 1.0, 1.0));
    let mut pane = model_of(vec![cuboid(Vec3::new(-0.6, 0.0, -0.02), Vec3::new(0.6, 1.4, 0.02))]);
    pane.instances[0].colour = Some(Rgba8([120, 160, 200, 90]));
    let mut wire = rr_scene::Mesh::default();
    wire.lines.extend([[0.0, 0.0, 0.0], [0.4, 1.2, 0.1]]);
    let mut scene = Builder::default()
        .model("cell", cell)
        .model("ring", model_of(vec![torus(0.5, 0.2, 64)]))
        .model("pane", pane)
        .model("wire", model_of(vec![wire, cylinder(0.2, 0.5, 24)]))
        .model("wall", model_of(vec![cuboid(Vec3::new(-4.0, 0.0, -0.1), Vec3::new(4.0, 2.5, 0.1))]))
        .device("wall", "wall", DeviceKind::Equipment, Vec3::new(0.0, 0.0, 1.0));
    for i in 0..120u8 {
        let at = Vec3::new(f32::from(i % 12) * 1.6 - 9.0, f32::from(i % 5) * 0.1, f32::from(i / 12) * -2.2);
        let model = ["cell", "ring", "pane", "wire", "missing"][usize::from(i) % 5];
        scene = scene.turned(&format!("d{i}"), model, DeviceKind::Equipment, at, f32::from(i) * 0.7);
    }
    let scene = scene.snapshot(camera(Vec3::ZERO, 12.0, 0.0, 10.0));
    scene.models.values().for_each(|m| rr_load::refine(m, &rr_load::CancelToken::new()));
    scene
}

/// From near and far, from all sides, from above and from within.
fn cameras() -> Vec<Camera> {
    let all = (0..24u8).map(|i| {
        let n = f32::from(i);
        let target = Vec3::new((n * 1.7).sin() * 6.0, 0.5, n * -0.7);
        camera(target, [3.0, 9.0, 25.0, 120.0][usize::from(i) % 4], n * 47.0, [5.0, 20.0, 55.0][usize::from(i) % 3])
    });
    all.chain([camera(Vec3::new(0.0, 1.2, 0.0), 9.0, 0.0, 3.0)]).collect()
}

fn numbers(s: &RenderStats) -> [u64; 8] {
    let counted = [s.instances, s.culled_outside, s.culled_small, s.culled_hidden, s.culled_by_section, s.stand_ins];
    let [a, b, c, d, e, f] = counted.map(u64::from);
    [a, b, c, d, e, f, s.triangles, s.lines]
}

#[test]
fn both_choose_the_same() {
    let Some(gpu) = software() else { return };
    let scene = works();
    let (mut here, mut there) = (Viewer::new(&gpu, Culler::Processor), Viewer::new(&gpu, Culler::Device));
    let plane = |normal, offset| SectionPlane::new(normal, offset).unwrap();
    let sections = [Section::default(), Section::of([plane(Vec3::new(0.3, 0.1, 1.0), -4.0), plane(Vec3::X, 5.0)])];
    let (mut hidden, mut stand_ins, mut cut) = (0, 0, 0);
    for (i, camera) in cameras().into_iter().enumerate() {
        let scene = SceneSnapshot { camera, section: sections[i % 2], ..scene.clone() };
        let detail = [Detail::Fine, Detail::Moving][i / 2 % 2];
        let culling = if i % 7 == 6 { Culling::NONE } else { Culling::default() };
        let options = FrameOptions { detail, culling, edges: i % 3 != 2, ..FrameOptions::bare() };
        let (a, b) = (here.draw(&scene, &options), there.draw(&scene, &options));
        assert!(b.stats.culled_on_device && !a.stats.culled_on_device);
        assert_eq!(numbers(&a.stats), numbers(&b.stats), "camera {i}");
        // Faces in one plane are drawn in another order.
        let (_, far) = a.difference(&b, 12);
        assert!(far < 60, "camera {i}: {far} pixels differ");
        hidden += a.stats.culled_hidden;
        stand_ins += a.stats.stand_ins;
        cut += a.stats.culled_by_section;
    }
    assert!(hidden > 20 && stand_ins > 20 && cut > 20, "{hidden} {stand_ins} {cut}");
}

#[test]
fn a_scene_that_changes_is_followed() {
    let Some(gpu) = software() else { return };
    let full = works();
    let mut viewer = Viewer::new(&gpu, Culler::Device);
    let options = FrameOptions::bare();
    assert!(viewer.draw(&full, &options).stats.triangles > 1000);
    let one = Builder::default()
        .model("ring", model_of(vec![torus(0.5, 0.2, 64)]))
        .device("ring", "ring", DeviceKind::Equipment, Vec3::ZERO)
        .snapshot(camera(Vec3::ZERO, 4.0, 0.0, 30.0));
    let (a, b) = (viewer.draw(&one, &options), Viewer::new(&gpu, Culler::Processor).draw(&one, &options));
    assert_eq!(a.stats.instances, 1);
    assert_eq!(a.rgba, b.rgba);
    let none = viewer.draw(&SceneSnapshot::default(), &options);
    assert!(!none.stats.culled_on_device && none.stats.instances == 0);
}
