//! Pictures that are drawn band by band and given up in between, and averages of several frames at once.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{FrameOptions, Gpu, RenderTarget, Renderer, Theme};
use rr_scene::{SceneSnapshot, Section, SectionPlane};

struct Viewer {
    renderer: Renderer,
    target: RenderTarget,
}

impl Viewer {
    fn new(gpu: &Gpu) -> Self {
        let target = RenderTarget::new(gpu, 320, 181, 1).unwrap();
        Self { renderer: Renderer::new(gpu, Theme::LIGHT).unwrap(), target }
    }

    fn draw(&mut self, scene: &SceneSnapshot, options: &FrameOptions) -> Picture {
        let stats = self.renderer.render(&mut self.target, scene, options).unwrap();
        Picture { width: 320, height: 181, rgba: self.target.to_rgba().unwrap(), stats }
    }
}

fn scene() -> SceneSnapshot {
    line().link("infeed-conveyor", "mill-A", "production_flow").select("robot-1").snapshot(line_camera())
}

#[test]
fn bands_make_the_same_picture() {
    let Some(gpu) = software() else { return };
    let plane = SectionPlane::new(Vec3::Z, 0.1).unwrap();
    for section in [Section::default(), Section::of([plane])] {
        let scene = SceneSnapshot { section, ..scene() };
        scene.models.values().for_each(|m| rr_load::refine(m, &rr_load::CancelToken::new()));
        let whole = Viewer::new(&gpu).draw(&scene, &FrameOptions::default());
        for bands in [2, 7, 1000] {
            let parts = Viewer::new(&gpu).draw(&scene, &FrameOptions { bands, ..FrameOptions::default() });
            let (_, far) = whole.difference(&parts, 2);
            assert!(far < 20, "{bands} bands: {far} pixels");
            assert_eq!(parts.stats.instances, whole.stats.instances);
        }
    }
}

#[test]
fn a_picture_that_is_given_up_spoils_nothing() {
    let Some(gpu) = software() else { return };
    let scene = scene();
    let options = FrameOptions { bands: 6, rest_frames: 4, ..FrameOptions::default() };
    let mut viewer = Viewer::new(&gpu);
    let finished = (0..4).map(|_| viewer.draw(&scene, &options)).last().unwrap();
    let mut viewer = Viewer::new(&gpu);
    let shown = viewer.draw(&scene, &options);
    for after in [0, 1, 4] {
        let mut left = after;
        let mut go_on = || {
            left -= 1;
            left >= 0
        };
        let drawn = viewer.renderer.render_while(&mut viewer.target, &scene, &options, &mut go_on).unwrap();
        assert_eq!(drawn, None, "after {after} bands");
        assert!(viewer.target.to_rgba().unwrap() == shown.rgba, "the last picture stays");
    }
    let again = (0..4).map(|_| viewer.draw(&scene, &options)).last().unwrap();
    assert_eq!((again.stats.rest_frames, finished.stats.rest_frames), (3, 3));
    let (_, far) = again.difference(&finished, 2);
    assert!(far < 20, "{far} pixels");
}

#[test]
fn several_frames_of_an_average_come_with_one_call() {
    let Some(gpu) = software() else { return };
    let scene = scene();
    let step = |rest_step| FrameOptions { rest_frames: 8, rest_step, ..FrameOptions::default() };
    let (mut slow, mut fast) = (Viewer::new(&gpu), Viewer::new(&gpu));
    slow.draw(&scene, &step(1));
    fast.draw(&scene, &step(4));
    let one_by_one = (0..8).map(|_| slow.draw(&scene, &step(1))).last().unwrap();
    let first = fast.draw(&scene, &step(4));
    assert!(first.stats.rest_frames == 4 && first.stats.is_refining);
    let second = fast.draw(&scene, &step(4));
    assert!(second.stats.rest_frames == 8 && !second.stats.is_refining);
    assert!(second.difference(&one_by_one, 2).1 < 20);
}
