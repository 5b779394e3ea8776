//! Section planes with a filled cut, and faces one sees through.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{Culling, FrameOptions, Gpu, Theme};
use rr_scene::{Assembly, DeviceKind, Mesh, Rgba8, SceneSnapshot, Section, SectionPlane};

const SIZE: (u32, u32) = (320, 200);
const RED: [u8; 3] = [210, 40, 40];
const BLUE: [u8; 3] = [50, 80, 220];

fn plane(normal: Vec3, offset: f32) -> SectionPlane {
    SectionPlane::new(normal, offset).unwrap()
}

/// With coarser versions and the knowledge which shapes are solids, as after an import.
fn refined(scene: SceneSnapshot) -> SceneSnapshot {
    scene.models.values().for_each(|m| rr_load::refine(m, &rr_load::CancelToken::new()));
    scene
}

fn cut(scene: &SceneSnapshot, planes: &[SectionPlane]) -> SceneSnapshot {
    SceneSnapshot { section: Section::of(planes.iter().copied()), ..scene.clone() }
}

fn show(gpu: &Gpu, scene: &SceneSnapshot) -> Picture {
    draw(gpu, scene, SIZE, Theme::DARK, &FrameOptions::bare())
}

fn is_near([r, g, b, _]: [u8; 4], [x, y, z]: [u8; 3]) -> bool {
    // By hue: light and hatching change the rest.
    let (a, b) = (Vec3::new(r.into(), g.into(), b.into()), Vec3::new(x.into(), y.into(), z.into()));
    let hue = |v: Vec3| (v - v.min_element()).normalize_or_zero();
    (v_spread(a) > 40.0) && hue(a).dot(hue(b)) > 0.95
}

fn v_spread(v: Vec3) -> f32 {
    v.max_element() - v.min_element()
}

/// A red block of 2 m with a blue one before its face, seen along the X axis.
fn blocks() -> SceneSnapshot {
    let block = |half: f32, colour| model_of(vec![colour_all(cuboid(Vec3::splat(-half), Vec3::splat(half)), colour)]);
    let scene = Builder::default()
        .model("block", block(1.0, RED))
        .model("front", block(0.3, BLUE))
        .device("block", "block", DeviceKind::Equipment, Vec3::ZERO)
        .device("front", "front", DeviceKind::Equipment, Vec3::new(0.9, 0.0, 0.0))
        .snapshot(camera(Vec3::ZERO, 7.0, 90.0, 0.0));
    refined(scene)
}

#[test]
fn what_is_beyond_the_plane_is_gone_and_the_cut_is_filled() {
    let Some(gpu) = software() else { return };
    let scene = blocks();
    let whole = show(&gpu, &scene);
    assert!(is_near(whole.at(160, 100), BLUE), "{:?}", whole.at(160, 100));
    let half = show(&gpu, &cut(&scene, &[plane(Vec3::X, 0.0)]));
    let red = half.count(|p| is_near(p, RED));
    assert!(red > 1500 && half.count(|p| is_near(p, BLUE)) == 0, "{red}");
    assert_eq!(half.stats.culled_by_section, 1, "the block before the plane");
    // The other way round: all that is left is before the plane, seen from outside.
    let front = show(&gpu, &cut(&scene, &[plane(Vec3::NEG_X, 0.0)]));
    assert!(is_near(front.at(160, 100), BLUE));
}

#[test]
fn a_cut_surface_lies_in_its_plane() {
    let Some(gpu) = software() else { return };
    // Edges of the far side are behind the cut, which lies before them and not where they are.
    let block = colour_all(cuboid(Vec3::splat(-1.0), Vec3::splat(1.0)), RED);
    let mut bare = block.clone();
    bare.edges.clear();
    let [with, without] = [block, bare].map(|mesh| {
        let scene = Builder::default()
            .model("block", model_of(vec![mesh]))
            .device("block", "block", DeviceKind::Equipment, Vec3::ZERO)
            .snapshot(camera(Vec3::ZERO, 6.0, 90.0, 0.0));
        let scene = cut(&refined(scene), &[plane(Vec3::X, 0.2)]);
        draw(&gpu, &scene, SIZE, Theme::DARK, &FrameOptions { edges: true, ..FrameOptions::bare() })
    });
    // Only around the cut itself there may be lines: those of the four long edges end there.
    let inner = |p: &Picture| {
        (70..130).flat_map(|y| (130..190).map(move |x| (x, y))).map(|(x, y)| p.at(x, y)).collect::<Vec<_>>()
    };
    assert_eq!(inner(&with), inner(&without));
    assert!(inner(&with).iter().all(|p| is_near(*p, RED)));
}

#[test]
fn what_no_plane_touches_is_drawn_as_ever_and_sheets_are_not_filled() {
    let Some(gpu) = software() else { return };
    let scene = blocks();
    let far = plane(Vec3::X, 50.0);
    assert_eq!(show(&gpu, &scene).rgba, show(&gpu, &cut(&scene, &[far])).rgba);
    // A box without a lid is no solid: one looks into it.
    let mut open = colour_all(cuboid(Vec3::splat(-1.0), Vec3::splat(1.0)), RED);
    open.indices.drain(..6);
    open.colours[0].triangle_count -= 2;
    let scene = Builder::default()
        .model("open", model_of(vec![open]))
        .device("open", "open", DeviceKind::Equipment, Vec3::ZERO)
        .snapshot(camera(Vec3::ZERO, 7.0, 90.0, 0.0));
    let scene = refined(scene);
    let [plain, filled] = [&scene, &blocks()].map(|s| show(&gpu, &cut(s, &[plane(Vec3::X, 0.5)])).at(160, 100));
    assert!(is_near(plain, RED) && v_spread(Vec3::new(plain[0].into(), plain[1].into(), plain[2].into())) > 60.0);
    assert_ne!(plain, filled);
}

#[test]
fn mirrored_and_many_planes() {
    let Some(gpu) = software() else { return };
    let mut model = model_of(vec![colour_all(cuboid(Vec3::splat(-1.0), Vec3::splat(1.0)), RED)]);
    let planes = [plane(Vec3::X, 0.0), plane(Vec3::Y, 0.0), plane(Vec3::Z, 0.0)];
    let mut pictures = Vec::new();
    for mirror in [1.0, -1.0] {
        model.instances[0].model_from_part = glam::Affine3A::from_scale(Vec3::new(mirror, 1.0, 1.0));
        let scene = Builder::default()
            .model("m", model.clone())
            .device("m", "m", DeviceKind::Equipment, Vec3::ZERO)
            .snapshot(camera(Vec3::ZERO, 7.0, 40.0, 30.0));
        pictures.push(show(&gpu, &cut(&refined(scene), &planes)));
    }
    let (_, far) = pictures[0].difference(&pictures[1], 8);
    assert!(far < 40, "{far} pixels");
    // An eighth is left: three quarters of its silhouette's corner are gone, and no pixel shows a hole.
    let red = pictures[0].count(|p| is_near(p, RED));
    assert!(red > 800, "{red}");
}

fn glass(mut mesh: Mesh, rgb: [u8; 3], alpha: u8) -> Mesh {
    mesh = colour_all(mesh, rgb);
    mesh.colours[0].colour = Rgba8([rgb[0], rgb[1], rgb[2], alpha]);
    mesh
}

fn behind_glass(order: [&str; 2], model: Assembly) -> SceneSnapshot {
    let red = model_of(vec![colour_all(cuboid(Vec3::splat(-0.5), Vec3::splat(0.5)), RED)]);
    let mut scene = Builder::default().model("red", red).model("glass", model);
    for id in order {
        let at = if id == "red" { Vec3::ZERO } else { Vec3::new(1.5, 0.0, 0.0) };
        scene = scene.device(id, id, DeviceKind::Equipment, at);
    }
    refined(scene.snapshot(camera(Vec3::ZERO, 7.0, 90.0, 0.0)))
}

#[test]
fn one_sees_through_glass_whatever_comes_first() {
    let Some(gpu) = software() else { return };
    let pane = || cuboid(Vec3::new(-0.02, -1.0, -1.0), Vec3::new(0.02, 1.0, 1.0));
    let model = || model_of(vec![glass(pane(), BLUE, 90)]);
    let first = show(&gpu, &behind_glass(["glass", "red"], model()));
    let second = show(&gpu, &behind_glass(["red", "glass"], model()));
    assert_eq!(first.rgba, second.rgba);
    assert_eq!(first.stats.transparent, 1);
    let [r, _, b, _] = first.at(160, 100);
    assert!(r > 60 && b > 60, "red and blue mix: {:?}", first.at(160, 100));
    // By a colour of the place as well.
    let mut placed = model_of(vec![pane()]);
    placed.instances[0].colour = Some(Rgba8([BLUE[0], BLUE[1], BLUE[2], 90]));
    let third = show(&gpu, &behind_glass(["red", "glass"], placed));
    assert_eq!(first.rgba, third.rgba);
    // Cut away it is gone.
    let scene = behind_glass(["red", "glass"], model());
    let without = show(&gpu, &cut(&scene, &[plane(Vec3::X, 1.0)]));
    assert!(is_near(without.at(160, 100), RED) && without.stats.transparent == 0);
}

#[test]
fn transparent_triangles_of_an_opaque_part_are_drawn_for_themselves() {
    let Some(gpu) = software() else { return };
    let mut mesh = cuboid(Vec3::splat(-1.0), Vec3::splat(1.0));
    // The face towards the camera is a window.
    mesh.colours = (0..6)
        .map(|face| rr_scene::ColourRange {
            first_triangle: face * 2,
            triangle_count: 2,
            colour: Rgba8([BLUE[0], BLUE[1], BLUE[2], if face == 5 { 60 } else { 255 }]),
        })
        .collect();
    let scene = |model| {
        let inner = model_of(vec![colour_all(cuboid(Vec3::splat(-0.3), Vec3::splat(0.3)), RED)]);
        let scene = Builder::default()
            .model("housing", model)
            .model("inner", inner)
            .device("housing", "housing", DeviceKind::Equipment, Vec3::ZERO)
            .device("inner", "inner", DeviceKind::Equipment, Vec3::ZERO)
            .snapshot(camera(Vec3::ZERO, 7.0, 90.0, 0.0));
        refined(scene)
    };
    let picture = show(&gpu, &scene(model_of(vec![mesh])));
    let [r, _, b, _] = picture.at(160, 100);
    assert!(r > 100, "the red block is seen through the window: {:?}", [r, b]);
    assert_eq!(picture.stats.transparent, 1);
}

#[test]
fn culling_by_section_changes_no_pixel() {
    let Some(gpu) = software() else { return };
    let scene = cut(&blocks(), &[plane(Vec3::new(1.0, 0.4, 0.2), 0.3)]);
    let all = FrameOptions { culling: Culling::NONE, ..FrameOptions::bare() };
    let [some, every] = [FrameOptions::bare(), all].map(|o| draw(&gpu, &scene, SIZE, Theme::LIGHT, &o));
    assert_eq!(some.rgba, every.rgba);
}
