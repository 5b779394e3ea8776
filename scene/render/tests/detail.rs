//! Less geometry must not look like less, and a picture that rests must be the one that was drawn.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{Detail, FrameOptions, Gpu, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{DeviceKind, SceneSnapshot};

const SIZE: (u32, u32) = (320, 200);

struct Drawer {
    renderer: Renderer,
    target: RenderTarget,
}

impl Drawer {
    fn new(gpu: &Gpu) -> Self {
        Self {
            renderer: Renderer::new(gpu, Theme::DARK).unwrap(),
            target: RenderTarget::new(gpu, SIZE.0, SIZE.1, 1).unwrap(),
        }
    }

    fn draw(&mut self, scene: &SceneSnapshot, options: &FrameOptions) -> Picture {
        let stats = self.renderer.render(&mut self.target, scene, options).unwrap();
        Picture { width: SIZE.0 as usize, height: SIZE.1 as usize, rgba: self.target.to_rgba().unwrap(), stats }
    }

    /// Draws with coarser versions, which come while the scene is on the device already.
    fn draw_coarse(&mut self, scene: &SceneSnapshot, options: &FrameOptions, full: RenderStats) -> Picture {
        self.draw(scene, options);
        scene.models.values().for_each(|m| rr_load::refine(m, &rr_load::CancelToken::new()));
        let picture = self.draw(scene, options);
        assert!(picture.stats.triangles < full.triangles, "no coarser version came");
        picture
    }
}

fn rings() -> SceneSnapshot {
    let place = |i: u8| Vec3::new(f32::from(i % 4) * 1.8, 0.0, f32::from(i / 4) * 1.8);
    let scene = (0..12).fold(Builder::default().model("ring", model_of(vec![torus(0.6, 0.25, 96)])), |scene, i| {
        scene.device(&format!("ring-{i}"), "ring", DeviceKind::Equipment, place(i))
    });
    scene.snapshot(camera(Vec3::new(2.7, 0.2, 1.8), 9.0, 25.0, 35.0))
}

#[test]
fn coarser_models_save_triangles_and_look_the_same() {
    let Some(gpu) = software() else { return };
    let scene = rings();
    for (detail, share, far) in [(Detail::Fine, 0.6, 200), (Detail::Moving, 0.2, 600)] {
        let mut drawer = Drawer::new(&gpu);
        let options = FrameOptions { detail, ..FrameOptions::bare() };
        let full = drawer.draw(&scene, &FrameOptions { detail: Detail::Full, ..options });
        assert_eq!(full.stats.triangles, 12 * 2 * 96 * 96);
        let coarse = drawer.draw_coarse(&scene, &options, full.stats);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let kept = coarse.stats.triangles as f32 / full.stats.triangles as f32;
        assert!(kept < share, "{detail:?} keeps {kept} of the triangles");
        let (_, different) = full.difference(&coarse, 40);
        assert!(different < far, "{detail:?}: {different} of 64,000 pixels differ");
    }
}

#[test]
fn a_model_right_before_the_eye_is_drawn_in_full() {
    let Some(gpu) = software() else { return };
    let mut drawer = Drawer::new(&gpu);
    let far = rings();
    let full = drawer.draw(&far, &FrameOptions { detail: Detail::Full, ..FrameOptions::bare() });
    drawer.draw_coarse(&far, &FrameOptions::bare(), full.stats);
    // The eye is within the ball around the ring.
    let near = SceneSnapshot { camera: camera(Vec3::new(0.6, 0.3, 0.0), 0.2, 0.0, 30.0), ..far };
    let picture = drawer.draw(&near, &FrameOptions::bare());
    assert!(picture.stats.triangles >= 2 * 96 * 96, "{:?}", picture.stats);
}

#[test]
fn edges_of_small_features_are_left_out_in_motion_only() {
    let Some(gpu) = software() else { return };
    let scene = line().snapshot(line_camera());
    let options = FrameOptions { edges: true, ..FrameOptions::bare() };
    let fine = draw(&gpu, &scene, SIZE, Theme::DARK, &options);
    let moving = draw(&gpu, &scene, SIZE, Theme::DARK, &FrameOptions { detail: Detail::Moving, ..options });
    assert!(moving.stats.lines > 0 && moving.stats.lines < fine.stats.lines, "{:?} {:?}", moving.stats, fine.stats);
}

#[test]
fn a_resting_picture_becomes_smooth_and_then_costs_nothing() {
    let Some(gpu) = software() else { return };
    let scene = line().select("robot-1").snapshot(line_camera());
    // Lines have smooth borders of their own.
    let bare = FrameOptions { detail: Detail::Full, ..FrameOptions::bare() };
    let options = FrameOptions { rest_frames: 16, ..bare };
    let mut drawer = Drawer::new(&gpu);
    let first = drawer.draw(&scene, &options);
    assert_eq!((first.stats.rest_frames, first.stats.is_refining), (1, true));
    assert_eq!(first.difference(&draw(&gpu, &scene, SIZE, Theme::DARK, &bare), 0), (0, 0), "nothing moves at first");
    let mut frames = 0;
    let smooth = loop {
        let picture = drawer.draw(&scene, &options);
        assert!(picture.stats.triangles > 0);
        frames += 1;
        assert_eq!(picture.stats.rest_frames, frames);
        if !picture.stats.is_refining {
            break picture;
        }
    };
    assert_eq!(frames, 16);
    // The truth: sixteen times as many pixels, each sixteen of which become one.
    let large = draw(&gpu, &scene, (SIZE.0 * 4, SIZE.1 * 4), Theme::DARK, &FrameOptions { ui_scale: 4.0, ..bare });
    let (rough, fine) = (first.error_against(&large), smooth.error_against(&large));
    assert!(fine < rough * 0.45, "{fine} after {rough}");

    let kept = drawer.draw(&scene, &options);
    assert_eq!((kept.stats.triangles, kept.stats.is_refining), (0, false));
    assert_eq!(kept.difference(&smooth, 0), (0, 0));
    // A change begins anew.
    let turned = SceneSnapshot { camera: camera(Vec3::ZERO, 7.0, 80.0, 20.0), ..scene.clone() };
    let other = drawer.draw(&turned, &options);
    assert_eq!((other.stats.rest_frames, other.stats.is_refining), (1, true));
    assert_eq!(other.difference(&draw(&gpu, &turned, SIZE, Theme::DARK, &bare), 0), (0, 0));
}

#[test]
fn a_resting_picture_is_kept_and_is_the_same_to_the_last_bit() {
    let Some(gpu) = software() else { return };
    let scene = line().link("robot-1", "mill-A", "production_flow").select("robot-1").snapshot(line_camera());
    let fresh = |scene: &SceneSnapshot, options: &FrameOptions| draw(&gpu, scene, SIZE, Theme::DARK, options);
    let mut drawer = Drawer::new(&gpu);
    // Coarser versions would come at any time and make it another picture.
    let at = |time_secs: f64| FrameOptions { time_secs, detail: Detail::Full, ..FrameOptions::default() };
    let calls = drawer.draw(&scene, &at(0.0)).stats.draw_calls;
    drawer.draw(&scene, &at(0.1));
    for time in [0.2, 0.35, 0.6] {
        let kept = drawer.draw(&scene, &at(time));
        assert!(kept.stats.draw_calls < calls && kept.stats.triangles == 0, "drawn anew: {:?}", kept.stats);
        assert_eq!(kept.difference(&fresh(&scene, &at(time)), 0), (0, 0), "after {time} s");
    }

    // Whatever lasts and changes is seen at once: camera, devices, colours, and back again.
    let turned = SceneSnapshot { camera: camera(Vec3::ZERO, 7.0, 80.0, 20.0), ..scene.clone() };
    let fewer = Builder::default().snapshot(scene.camera);
    for other in [&turned, &scene, &fewer, &scene] {
        let options = at(0.7);
        let (again, fresh) = (drawer.draw(other, &options), fresh(other, &options));
        assert_eq!(again.difference(&fresh, 2).1, 0);
        assert_eq!(again.stats.triangles, fresh.stats.triangles);
    }
    drawer.draw(&scene, &at(0.8));
    drawer.draw(&scene, &at(0.9));
    drawer.renderer.set_theme(Theme::LIGHT);
    let light = drawer.draw(&scene, &at(1.0));
    assert_eq!(light.difference(&draw(&gpu, &scene, SIZE, Theme::LIGHT, &at(1.0)), 2).1, 0);
}
