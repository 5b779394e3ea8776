//! Ambient occlusion: where a picture must be darker for it, and where it must not.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{AmbientOcclusion, FrameOptions, Gpu, Pass, RenderTarget, Renderer, Theme};
use rr_scene::{DeviceKind, Mesh, SceneSnapshot, Section, SectionPlane};

const SIZE: (u32, u32) = (320, 200);

fn options(ambient_occlusion: AmbientOcclusion) -> FrameOptions {
    FrameOptions { ambient_occlusion, ..FrameOptions::bare() }
}

fn scene(meshes: Vec<Mesh>, camera: rr_scene::Camera) -> SceneSnapshot {
    let scene = Builder::default()
        .model("m", model_of(meshes))
        .device("m", "m", DeviceKind::Equipment, Vec3::ZERO)
        .snapshot(camera);
    scene.models.values().for_each(|m| rr_load::refine(m, &rr_load::CancelToken::new()));
    scene
}

/// Without and with it.
fn both(gpu: &Gpu, scene: &SceneSnapshot, samples: u32) -> [Picture; 2] {
    [AmbientOcclusion::Off, AmbientOcclusion::On]
        .map(|wanted| draw_with(gpu, scene, SIZE, Theme::LIGHT, &options(wanted), samples))
}

/// What is left of a pixel's light.
fn kept(pictures: &[Picture; 2], (x, y): (usize, usize)) -> f32 {
    let [off, on] = pictures.each_ref().map(|p| p.at(x, y)[..3].iter().map(|v| f32::from(*v)).sum::<f32>());
    on / off
}

/// Pixels that are darker than before by more than `by` of 255, or lighter at all.
fn changed([off, on]: &[Picture; 2], by: u8) -> Vec<(usize, usize)> {
    let all = (0..off.height).flat_map(|y| (0..off.width).map(move |x| (x, y)));
    let differs = |a: [u8; 4], b: [u8; 4]| (0..3).any(|i| b[i] > a[i] || a[i] - b[i] > by);
    all.filter(|&(x, y)| differs(off.at(x, y), on.at(x, y))).collect()
}

/// A table of 4 m with a block of 1 m on it, whose nearest face is at z = 0.
fn block_on_a_table() -> Vec<Mesh> {
    vec![
        cuboid(Vec3::new(-2.0, -0.2, -2.0), Vec3::new(2.0, 0.0, 2.0)),
        cuboid(Vec3::new(-0.5, 0.0, -1.0), Vec3::new(0.5, 1.0, 0.0)),
    ]
}

#[test]
fn corners_are_darker_and_open_faces_are_not() {
    let Some(gpu) = software() else { return };
    let view = camera(Vec3::new(0.0, 0.2, 0.0), 4.0, 0.0, 35.0);
    let scene = scene(block_on_a_table(), view);
    let pixel = |at: Vec3| {
        let at = view.project(at, 1.6).unwrap();
        ((at.x * 320.0) as usize, (at.y * 200.0) as usize)
    };
    for samples in [1, 4] {
        let pictures = both(&gpu, &scene, samples);
        let kept = |at| kept(&pictures, pixel(at));
        // Up the face, and away from it on the table.
        for (name, out) in [("face", Vec3::Y), ("table", Vec3::Z)] {
            let [corner, near, far] = [0.03, 0.08, 0.6].map(|by| kept(out * by));
            println!("{samples} samples, {name}: {corner:.3} in the corner, {near:.3} near it, {far:.3} far from it");
            assert!((0.6..0.9).contains(&corner), "{name}: {corner}");
            assert!(corner < near - 0.02 && near < 0.985, "{name}: {corner}, {near}");
            assert!(far > 0.995, "{name}: {far}");
        }
        // Beside the block nothing rises.
        assert!(kept(Vec3::new(1.5, 0.0, 0.5)) > 0.995 && kept(Vec3::new(0.0, 1.0, -0.5)) > 0.995);
    }
}

#[test]
fn a_box_alone_and_the_background_stay_as_they_are() {
    let Some(gpu) = software() else { return };
    let cube = cuboid(Vec3::splat(-0.5), Vec3::splat(0.5));
    let ball = cylinder(0.5, 1.0, 48);
    for (name, mesh) in [("box", cube), ("cylinder", ball)] {
        for (yaw, pitch) in [(30.0, 25.0), (5.0, 2.0), (70.0, 80.0)] {
            let pictures = both(&gpu, &scene(vec![mesh.clone()], camera(Vec3::ZERO, 2.5, yaw, pitch)), 1);
            let changed = changed(&pictures, 1);
            // Of a tip of one or two pixels nobody knows the surface.
            assert!(changed.len() <= 4, "{name} from {yaw}, {pitch}: {changed:?}");
        }
    }
    // Of what is not convex the background around it stays.
    let scene = scene(block_on_a_table(), camera(Vec3::ZERO, 7.0, 20.0, 20.0));
    let empty = draw(
        &gpu,
        &SceneSnapshot { camera: scene.camera, ..Default::default() },
        SIZE,
        Theme::LIGHT,
        &options(AmbientOcclusion::On),
    );
    let pictures = both(&gpu, &scene, 1);
    let open: Vec<_> = (0..SIZE.1 as usize)
        .flat_map(|y| (0..SIZE.0 as usize).map(move |x| (x, y)))
        .filter(|&(x, y)| pictures[0].at(x, y) == empty.at(x, y))
        .collect();
    assert!(open.len() > 20_000);
    assert!(open.iter().all(|&(x, y)| pictures[1].at(x, y) == empty.at(x, y)));
}

#[test]
fn what_stands_far_before_something_leaves_no_halo_on_it() {
    let Some(gpu) = software() else { return };
    // A post 3 m before a wall.
    let wall = cuboid(Vec3::new(-6.0, -4.0, -0.1), Vec3::new(6.0, 4.0, 0.0));
    let post = cuboid(Vec3::new(-0.3, -4.0, 3.0), Vec3::new(0.3, 4.0, 3.3));
    for (yaw, pitch) in [(0.0, 0.0), (35.0, 15.0)] {
        let scene = scene(vec![wall.clone(), post.clone()], camera(Vec3::ZERO, 9.0, yaw, pitch));
        for samples in [1, 4] {
            let changed = changed(&both(&gpu, &scene, samples), 2);
            assert!(changed.is_empty(), "{samples} samples, from {yaw}: {changed:?}");
        }
    }
}

#[test]
fn the_floor_takes_light_from_what_stands_on_it() {
    let Some(gpu) = software() else { return };
    let cube = cuboid(Vec3::new(-0.5, 0.0, -0.5), Vec3::new(0.5, 1.0, 0.5));
    let view = camera(Vec3::Y * 0.5, 3.0, 0.0, 20.0);
    let scene = scene(vec![cube], view);
    let pictures = [AmbientOcclusion::Off, AmbientOcclusion::On].map(|ambient_occlusion| {
        let options = FrameOptions { grid: true, ..options(ambient_occlusion) };
        draw(&gpu, &scene, SIZE, Theme::DARK, &options)
    });
    let at = |y: f32| {
        let at = view.project(Vec3::new(0.0, y, 0.5), 1.6).unwrap();
        kept(&pictures, ((at.x * 320.0) as usize, (at.y * 200.0) as usize))
    };
    println!("{:.3} at the floor, {:.3} in the middle", at(0.03), at(0.5));
    assert!((0.6..0.92).contains(&at(0.03)) && at(0.5) > 0.995);
}

#[test]
fn a_cut_is_a_face_like_others() {
    let Some(gpu) = software() else { return };
    let view = camera(Vec3::new(0.0, 0.2, 0.0), 4.0, 40.0, 35.0);
    let plane = SectionPlane::new(Vec3::Z, -0.5).unwrap();
    let scene = SceneSnapshot { section: Section::of([plane]), ..scene(block_on_a_table(), view) };
    let pictures = both(&gpu, &scene, 1);
    // The cut of block and table is one plane: nothing rises from it, and what was cut away takes no light.
    let at = |at: Vec3| {
        let at = view.project(at, 1.6).unwrap();
        kept(&pictures, ((at.x * 320.0) as usize, (at.y * 200.0) as usize))
    };
    for y in [-0.05, 0.05, 0.5, 0.9] {
        let kept = at(Vec3::new(0.0, y, -0.5));
        assert!(kept > 0.98, "{y} m up the cut: {kept}");
    }
    // Behind the cut the block still stands on the table.
    let corner = at(Vec3::new(0.53, 0.0, -0.7));
    assert!(corner < 0.93, "{corner}");
}

#[test]
fn a_resting_picture_gets_it_gently_and_keeps_it() {
    let Some(gpu) = software() else { return };
    let scene = scene(block_on_a_table(), camera(Vec3::new(0.0, 0.2, 0.0), 4.0, 0.0, 35.0));
    let mut renderer = Renderer::new(&gpu, Theme::LIGHT).unwrap();
    let mut draw_all = |ambient_occlusion, bands, frames: u32| {
        let mut target = RenderTarget::new(&gpu, SIZE.0, SIZE.1, 1).unwrap();
        let options = FrameOptions { rest_frames: 8, bands, ..options(ambient_occlusion) };
        let pictures: Vec<Picture> = (0..frames)
            .map(|_| {
                let stats = renderer.render(&mut target, &scene, &options).unwrap();
                let rgba = target.to_rgba().unwrap();
                Picture { width: SIZE.0 as usize, height: SIZE.1 as usize, rgba, stats }
            })
            .collect();
        pictures
    };
    let light = |p: &Picture| p.rgba.iter().map(|v| f64::from(*v)).sum::<f64>() / p.rgba.len() as f64;
    let without = draw_all(AmbientOcclusion::Off, 1, 9);
    let on = draw_all(AmbientOcclusion::On, 1, 9);
    let auto = draw_all(AmbientOcclusion::Auto, 1, 12);
    // On software the first picture comes without, as soon as it can.
    assert_eq!(auto[0].rgba, without[0].rgba);
    let levels: Vec<f64> = auto.iter().map(light).collect();
    println!("from {:.2}: {levels:.2?}", light(&without[8]));
    assert!(levels[2] < levels[0] - 0.05 && levels[8] < levels[2] - 0.02);
    assert!(levels.windows(2).all(|l| l[1] < l[0] + 0.02 && l[1] > l[0] - 1.0), "no step is seen: {levels:?}");
    // In the end it is what all frames had that had it from the beginning.
    assert!((light(&on[8]) - levels[8]).abs() < 0.05, "{} {}", light(&on[8]), levels[8]);
    assert!(on[8].difference(&auto[8], 8).1 < 40);
    // And nothing is drawn any more.
    assert!(!auto[11].stats.is_refining && auto[11].rgba == auto[8].rgba);
    assert_eq!(auto[11].stats.draw_calls, 0);
    assert!(
        auto[5].stats.times.ms(Pass::Ambient).unwrap() > 0.0 && without[5].stats.times.ms(Pass::Ambient) == Some(0.0)
    );
    // Bands change nothing.
    for (ambient_occlusion, whole) in [(AmbientOcclusion::On, &on), (AmbientOcclusion::Auto, &auto)] {
        let parts = draw_all(ambient_occlusion, 5, 9);
        for i in [0, 8] {
            assert!(whole[i].difference(&parts[i], 2).1 < 20, "{ambient_occlusion:?}, frame {i}");
        }
    }
}

#[test]
fn what_one_frame_shows_is_what_the_average_shows() {
    let Some(gpu) = software() else { return };
    let scene = scene(block_on_a_table(), camera(Vec3::new(0.0, 0.2, 0.0), 4.0, 20.0, 35.0));
    let mut renderer = Renderer::new(&gpu, Theme::LIGHT).unwrap();
    let mut target = RenderTarget::new(&gpu, SIZE.0, SIZE.1, 1).unwrap();
    let options = FrameOptions { rest_frames: 16, ..options(AmbientOcclusion::On) };
    let mut pictures = Vec::new();
    for _ in 0..17 {
        let stats = renderer.render(&mut target, &scene, &options).unwrap();
        let rgba = target.to_rgba().unwrap();
        pictures.push(Picture { width: SIZE.0 as usize, height: SIZE.1 as usize, rgba, stats });
    }
    let [first, last] = [&pictures[0], &pictures[16]];
    // Borders become smoother; shading may not jump.
    let (_, far) = first.difference(last, 12);
    assert!(far < 900, "{far} pixels");
    let flat = |x, y| first.at(x, y)[0].abs_diff(last.at(x, y)[0]);
    assert!((140..180).all(|x| flat(x, 150) <= 6), "{:?}", (140..180).map(|x| flat(x, 150)).collect::<Vec<_>>());
}
