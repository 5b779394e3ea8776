//! What pictures must show whatever they look like, and how faults surface.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::{Affine3A, Vec3};
use rr_render::{AmbientOcclusion, FrameOptions, GpuError, Lighting, Pass, RING_SIZE, RenderTarget, Renderer, Theme};
use rr_scene::{Assembly, Camera, DeviceKind, Instance, Mesh, SceneSnapshot, Workspace};
use std::collections::HashMap;
use std::sync::Arc;

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 200, 60];

fn is_red(p: [u8; 4]) -> bool {
    p[0] > 100 && p[1] < 70
}

fn is_green(p: [u8; 4]) -> bool {
    p[1] > 100 && p[0] < 70
}

/// The outline's colour in the dark theme: nothing else in these scenes is that blue.
fn is_accent(p: [u8; 4]) -> bool {
    p[2] > 200 && p[2] > p[0].saturating_add(90)
}

fn cube(rgb: [u8; 3]) -> Assembly {
    model_of(vec![colour_all(cuboid(Vec3::new(-0.5, 0.0, -0.5), Vec3::new(0.5, 1.0, 0.5)), rgb)])
}

fn two_cubes() -> Builder {
    Builder::default()
        .model("red", cube(RED))
        .model("green", cube(GREEN))
        .device("near", "red", DeviceKind::Equipment, Vec3::new(0.0, 0.0, 1.5))
        .device("far", "green", DeviceKind::Equipment, Vec3::new(0.0, 0.0, -1.5))
}

#[test]
fn an_empty_scene_is_background_in_every_pixel() {
    let Some(gpu) = software() else { return };
    for (theme, bright) in [(Theme::DARK, false), (Theme::LIGHT, true)] {
        let picture = draw(&gpu, &SceneSnapshot::default(), (320, 180), theme, &FrameOptions::default());
        assert_eq!(picture.stats.triangles, 0);
        assert_eq!(picture.count(|p| p[3] == 255 && (p[1] > 128) == bright), 320 * 180);
    }
}

#[test]
fn odd_sizes_and_sizes_that_cannot_be() {
    let Some(gpu) = software() else { return };
    let scene = line().select("robot-1").snapshot(line_camera());
    for size in [(1, 1), (1, 200), (200, 1), (3, 5), (641, 359), (64, 64)] {
        let picture = draw(&gpu, &scene, size, Theme::DARK, &FrameOptions::default());
        assert_eq!(picture.rgba.len(), (size.0 * size.1 * 4) as usize);
        assert_eq!(picture.count(|p| p[3] == 255), (size.0 * size.1) as usize, "{size:?}");
    }
    for (w, h) in [(0, 10), (10, 0), (1 << 20, 10)] {
        assert!(matches!(RenderTarget::new(&gpu, w, h, 1), Err(GpuError::Size { .. })), "{w}x{h}");
    }
    let mut target = RenderTarget::new(&gpu, 16, 8, 1).unwrap();
    assert!(target.resize(0, 8).is_err());
    assert_eq!(target.size(), (16, 8), "a refused size leaves the old one");
}

#[test]
fn a_face_that_looks_at_the_light_has_the_colour_of_its_file() {
    let Some(gpu) = software() else { return };
    for lighting in [Lighting::PerCorner, Lighting::PerPixel] {
        let scene = Builder::default()
            .model(
                "m",
                model_of(vec![colour_all(
                    cuboid(Vec3::new(-3.0, -1.0, -3.0), Vec3::new(3.0, 0.0, 3.0)),
                    [96, 144, 180],
                )]),
            )
            .device("floor", "m", DeviceKind::Equipment, Vec3::ZERO)
            .snapshot(camera(Vec3::ZERO, 6.0, 20.0, 50.0));
        let p =
            draw(&gpu, &scene, (100, 100), Theme::DARK, &FrameOptions { lighting, ..FrameOptions::bare() }).at(50, 50);
        for (got, want) in p.into_iter().zip([96u8, 144, 180]) {
            assert!(got.abs_diff(want) <= 18, "{lighting:?}: {p:?}");
        }
        // Channels keep their ratio: light is white.
        let ratio = f32::from(p[0]) / f32::from(p[2]);
        assert!((ratio - 96.0 / 180.0).abs() < 0.04, "{lighting:?}: {p:?}");
    }
}

#[test]
fn both_kinds_of_light_agree_on_a_fine_mesh() {
    let Some(gpu) = software() else { return };
    let scene = Builder::default()
        .model("m", model_of(vec![torus(0.6, 0.25, 96)]))
        .device("ring", "m", DeviceKind::Equipment, Vec3::ZERO)
        .snapshot(camera(Vec3::Y * 0.2, 2.5, 20.0, 35.0));
    let [a, b] = [Lighting::PerCorner, Lighting::PerPixel].map(|lighting| {
        draw(&gpu, &scene, (200, 150), Theme::DARK, &FrameOptions { lighting, ..FrameOptions::bare() })
    });
    let (_, far) = a.difference(&b, 12);
    assert!(far < 200 * 150 / 200, "{far} pixels differ");
}

#[test]
fn flipped_surfaces_are_lit_like_others() {
    let Some(gpu) = software() else { return };
    let upright = cuboid(Vec3::new(-0.5, 0.0, -0.5), Vec3::new(0.5, 1.0, 0.5));
    let mut flipped = upright.clone();
    for n in &mut flipped.normals {
        *n = n.map(|v| -v);
    }
    for t in flipped.indices.chunks_mut(3) {
        t.swap(1, 2);
    }
    let mut contradicting = upright.clone();
    for t in contradicting.indices.chunks_mut(3) {
        t.swap(1, 2);
    }
    // A mirror image placed by its instance; the second instance, far below, keeps it from being baked.
    let mut mirrored = model_of(vec![upright.clone()]);
    mirrored.instances[0].model_from_part = Affine3A::from_scale(Vec3::new(-1.0, 1.0, 1.0));
    mirrored.instances.push(instance(0, Vec3::Y * -500.0));
    let [upright, flipped, contradicting] = [upright, flipped, contradicting].map(|m| model_of(vec![m]));
    for lighting in [Lighting::PerCorner, Lighting::PerPixel] {
        let [a, b, c, d] = [&upright, &flipped, &contradicting, &mirrored].map(|model| {
            let scene = Builder::default()
                .model("m", model.clone())
                .device("d", "m", DeviceKind::Equipment, Vec3::ZERO)
                .snapshot(camera(Vec3::Y * 0.5, 3.0, 30.0, 30.0));
            draw(&gpu, &scene, (120, 120), Theme::DARK, &FrameOptions { lighting, ..FrameOptions::bare() })
        });
        for (what, other) in [("flipped", b), ("contradicting", c), ("mirrored", d)] {
            assert!(a.difference(&other, 6).1 < 20, "{lighting:?}, {what}");
        }
    }
}

#[test]
fn what_is_behind_is_hidden() {
    let Some(gpu) = software() else { return };
    let front = two_cubes().snapshot(camera(Vec3::Y * 0.5, 8.0, 0.0, 0.0));
    let picture = draw(&gpu, &front, (160, 120), Theme::DARK, &FrameOptions::bare());
    assert!(picture.count(is_red) > 200);
    assert_eq!(picture.count(is_green), 0);
    let back = two_cubes().snapshot(camera(Vec3::Y * 0.5, 8.0, 180.0, 0.0));
    let picture = draw(&gpu, &back, (160, 120), Theme::DARK, &FrameOptions::bare());
    assert!(picture.count(is_green) > 200);
    assert_eq!(picture.count(is_red), 0);
}

#[test]
fn the_outline_is_around_the_selected_device_only() {
    let Some(gpu) = software() else { return };
    let scene = |builder: Builder| builder.snapshot(camera(Vec3::Y * 0.5, 7.0, 90.0, 5.0));
    let options = FrameOptions { outlines: true, ..FrameOptions::bare() };
    let none = draw(&gpu, &scene(two_cubes()), (240, 120), Theme::DARK, &options);
    assert_eq!(none.count(is_accent), 0);
    let picture = draw(&gpu, &scene(two_cubes().select("near")), (240, 120), Theme::DARK, &options);
    let reds = picture.places(is_red);
    let (left, right) = (reds.iter().map(|p| p.0).min().unwrap(), reds.iter().map(|p| p.0).max().unwrap());
    let outline = picture.places(is_accent);
    assert!(outline.len() > 100, "{}", outline.len());
    assert!(outline.iter().all(|p| p.0 + 4 >= left && p.0 <= right + 4), "it stays at the selected device");
    // Outside the outline's neighbourhood not one pixel differs.
    let elsewhere = (0..120).flat_map(|y| (0..240).map(move |x| (x, y)));
    for (x, y) in elsewhere.filter(|(x, _)| *x + 5 < left || *x > right + 5) {
        assert_eq!(none.at(x, y), picture.at(x, y));
    }
    let hovered = draw(&gpu, &scene(two_cubes().hover("near")), (240, 120), Theme::DARK, &options);
    assert_eq!(hovered.count(is_accent), 0, "hover is muted");
    assert!(hovered.difference(&none, 20).1 > 100);
}

#[test]
fn instances_draw_like_separate_parts() {
    let Some(gpu) = software() else { return };
    let places: Vec<Vec3> = (0..9).map(|i| Vec3::new((i % 3) as f32 - 1.0, 0.0, (i / 3) as f32 - 1.0) * 0.8).collect();
    let mesh = cuboid(Vec3::splat(-0.2), Vec3::splat(0.2));
    let instanced =
        Assembly { instances: places.iter().map(|p| instance(0, *p)).collect(), ..model_of(vec![mesh.clone()]) };
    let separate = model_of(places.iter().map(|p| moved(mesh.clone(), *p)).collect());
    let [(a, calls_a), (b, _)] = [instanced, separate].map(|model| {
        let scene = Builder::default()
            .model("m", model)
            .device("d", "m", DeviceKind::RobotArm, Vec3::Y * 0.2)
            .snapshot(camera(Vec3::ZERO, 4.0, 25.0, 30.0));
        let picture =
            draw(&gpu, &scene, (200, 150), Theme::DARK, &FrameOptions { edges: false, ..FrameOptions::default() });
        assert_eq!(picture.stats.triangles, 9 * 12);
        let calls = picture.stats.draw_calls;
        (picture, calls)
    });
    assert!(a.difference(&b, 3).1 < 30, "{:?}", a.difference(&b, 3));
    assert!(calls_a < 10, "{calls_a} draw calls");
}

#[test]
fn instance_colours_and_device_kinds_tint_faces_without_colour() {
    let Some(gpu) = software() else { return };
    let mesh = || cuboid(Vec3::new(-0.5, 0.0, -0.5), Vec3::new(0.5, 1.0, 0.5));
    let mut painted = model_of(vec![mesh()]);
    painted.instances[0].colour = Some(rr_scene::Rgba8([230, 20, 20, 255]));
    let middle = |model: Assembly, kind: DeviceKind| {
        let scene = Builder::default().model("m", model).device("d", "m", kind, Vec3::ZERO).snapshot(camera(
            Vec3::Y * 0.5,
            3.0,
            0.0,
            10.0,
        ));
        draw(&gpu, &scene, (64, 64), Theme::DARK, &FrameOptions::bare()).at(32, 32)
    };
    assert!(is_red(middle(painted, DeviceKind::Conveyor)));
    let grey = middle(model_of(vec![mesh()]), DeviceKind::Equipment);
    let conveyor = middle(model_of(vec![mesh()]), DeviceKind::Conveyor);
    assert!(grey[2].abs_diff(grey[0]) < 16, "warm grey: {grey:?}");
    assert!(conveyor[2] > conveyor[0] + 15, "a conveyor is a little blue: {conveyor:?}");
}

#[test]
fn a_device_without_a_model_is_a_marker_with_its_name() {
    let Some(gpu) = software() else { return };
    let scene = Builder::default().device("lost", "not loaded", DeviceKind::Equipment, Vec3::ZERO).snapshot(camera(
        Vec3::Y * 0.3,
        3.0,
        20.0,
        20.0,
    ));
    let picture = draw(&gpu, &scene, (200, 150), Theme::DARK, &FrameOptions::default());
    assert!(picture.stats.triangles > 12);
    assert_eq!((picture.stats.labels, picture.stats.models), (1, 0));
    let bare = draw(&gpu, &scene, (200, 150), Theme::DARK, &FrameOptions { labels: false, ..FrameOptions::default() });
    assert!(picture.difference(&bare, 30).1 > 100, "the label shows");
}

#[test]
fn labels_do_not_overlap_and_none_is_behind_the_eye() {
    let Some(gpu) = software() else { return };
    let mut crowd = Builder::default().model("m", cube(RED));
    for i in 0..40 {
        crowd =
            crowd.device(&format!("machine-{i}"), "m", DeviceKind::Equipment, Vec3::new(0.0, 0.0, -(i as f32) * 0.01));
    }
    let options = FrameOptions { labels: true, ..FrameOptions::bare() };
    let at_one_spot =
        draw(&gpu, &crowd.snapshot(camera(Vec3::ZERO, 6.0, 0.0, 20.0)), (300, 200), Theme::DARK, &options);
    assert!(at_one_spot.stats.labels <= 2, "{} labels on one spot", at_one_spot.stats.labels);
    let behind = Builder::default()
        .model("m", cube(RED))
        .device("behind", "m", DeviceKind::Equipment, Vec3::new(0.0, 0.0, 20.0))
        .snapshot(camera(Vec3::ZERO, 6.0, 0.0, 0.0));
    assert_eq!(draw(&gpu, &behind, (300, 200), Theme::DARK, &options).stats.labels, 0);
}

#[test]
fn names_in_any_script_and_length_are_drawn() {
    let Some(gpu) = software() else { return };
    let mut scene = Builder::default().model("m", cube(RED));
    for id in ["a", "b", "c"] {
        scene =
            scene.device(id, "m", DeviceKind::Equipment, Vec3::new(id.as_bytes()[0] as f32 * 3.0 - 294.0, 0.0, 0.0));
    }
    let mut scene = scene.snapshot(camera(Vec3::ZERO, 14.0, 0.0, 20.0));
    let names = ["Förderband Ωμ Привет 機械", "\u{0}\u{7}\n", &"x".repeat(500)];
    for (id, name) in ["a", "b", "c"].into_iter().zip(names) {
        let rename = rr_scene::Command::RenameDevice { id: id.into(), name: name.to_owned() };
        // The workspace may refuse a name; the renderer must survive those that it lets through.
        let _ = Arc::make_mut(&mut scene.workspace).apply(&rename, rr_scene::Role::Admin);
    }
    let options = FrameOptions { labels: true, ui_scale: 2.0, ..FrameOptions::bare() };
    let picture = draw(&gpu, &scene, (1200, 700), Theme::LIGHT, &options);
    assert!(picture.stats.labels >= 1);
}

#[test]
fn connections_move_with_time_and_rest_without_it() {
    let Some(gpu) = software() else { return };
    let linked = || two_cubes().link("near", "far", "production_flow").snapshot(camera(Vec3::Y * 0.8, 8.0, 90.0, 10.0));
    let options = FrameOptions { connections: true, ..FrameOptions::bare() };
    let at = |secs: f64| draw(&gpu, &linked(), (240, 160), Theme::DARK, &FrameOptions { time_secs: secs, ..options });
    let (start, same, later) = (at(1.0), at(1.0), at(1.3));
    assert_eq!(start.difference(&same, 0).1, 0);
    assert!(start.difference(&later, 20).1 > 30);
    assert!(start.count(is_accent) > 40, "production flow has the accent's colour");

    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    renderer.sync(&linked()).unwrap();
    assert!(renderer.is_animated(&linked()));
    let away = SceneSnapshot { camera: camera(Vec3::new(0.0, 0.0, 500.0), 8.0, 180.0, 0.0), ..linked() };
    assert!(!renderer.is_animated(&away), "out of the picture nothing moves");
    let unlinked = two_cubes().snapshot(Camera::default());
    renderer.sync(&unlinked).unwrap();
    assert!(!renderer.is_animated(&unlinked));
}

#[test]
fn models_are_uploaded_once_and_freed_when_unused() {
    let Some(gpu) = software() else { return };
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut target = RenderTarget::new(&gpu, 64, 64, 1).unwrap();
    let mut render = |scene: &SceneSnapshot| renderer.render(&mut target, scene, &FrameOptions::bare()).unwrap();
    let one = Builder::default()
        .model("m", model_of(vec![torus(0.5, 0.2, 64)]))
        .device("a", "m", DeviceKind::Equipment, Vec3::ZERO)
        .snapshot(Camera::default());
    let first = render(&one);
    assert_eq!(first.models, 1);
    let mut three = one.clone();
    let workspace = Builder::default()
        .device("a", "m", DeviceKind::Equipment, Vec3::ZERO)
        .device("b", "m", DeviceKind::Equipment, Vec3::X)
        .device("c", "m", DeviceKind::Equipment, Vec3::Z)
        .snapshot(Camera::default())
        .workspace;
    three.workspace = workspace;
    let shared = render(&three);
    assert_eq!((shared.models, shared.model_bytes), (1, first.model_bytes));
    assert_eq!((shared.triangles, shared.draw_calls), (first.triangles * 3, first.draw_calls));
    // The model stays loaded in the host, but nothing shows it.
    let unused = SceneSnapshot { workspace: Arc::new(Workspace::new("empty")), ..three.clone() };
    let freed = render(&unused);
    assert_eq!((freed.models, freed.model_bytes, freed.triangles), (0, 0, 0));
    assert_eq!(render(&three).models, 1, "and comes back");
    let unloaded = SceneSnapshot { models: Arc::new(HashMap::new()), ..three };
    assert_eq!(render(&unloaded).model_bytes, 0);
}

#[test]
fn what_is_outside_the_picture_costs_no_triangles() {
    let Some(gpu) = software() else { return };
    let mut row = Builder::default().model("m", cube(RED));
    for i in 0..20 {
        row = row.device(&format!("d{i:02}"), "m", DeviceKind::Equipment, Vec3::new(i as f32 * 3.0, 0.0, 0.0));
    }
    let scene = row.snapshot(camera(Vec3::new(0.0, 0.5, 0.0), 6.0, 0.0, 10.0));
    let stats = draw(&gpu, &scene, (100, 100), Theme::DARK, &FrameOptions::bare()).stats;
    assert!(stats.culled >= 15, "{stats:?}");
    assert_eq!(stats.triangles, u64::from(stats.instances) * 12);
    assert_eq!(stats.instances + stats.culled, 20);
}

#[test]
fn wireframe_models_are_drawn_and_outlined() {
    let Some(gpu) = software() else { return };
    let lines =
        Mesh { lines: vec![[-1.0, 0.2, 0.0], [1.0, 0.2, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], ..Mesh::default() };
    let mut model = model_of(vec![lines]);
    // Black, as paper drawings are: it must show on a dark floor.
    model.instances[0].colour = Some(rr_scene::Rgba8([0, 0, 0, 255]));
    let scene = |b: Builder| b.snapshot(camera(Vec3::Y * 0.4, 3.0, 0.0, 5.0));
    let builder = || Builder::default().model("m", model.clone()).device("w", "m", DeviceKind::Equipment, Vec3::ZERO);
    let picture = draw(&gpu, &scene(builder()), (200, 150), Theme::DARK, &FrameOptions::bare());
    assert_eq!(picture.stats.lines, 2);
    assert!(picture.count(|p| p[0] > 120 && p[1] > 120) > 100, "{}", picture.count(|p| p[0] > 120));
    let options = FrameOptions { outlines: true, ..FrameOptions::bare() };
    let selected = draw(&gpu, &scene(builder().select("w")), (200, 150), Theme::DARK, &options);
    assert!(selected.count(is_accent) > 200);
}

#[test]
fn strange_geometry_draws_without_harm() {
    let Some(gpu) = software() else { return };
    let flat = Mesh {
        positions: vec![[0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]],
        normals: vec![[0.0; 3]; 3],
        indices: vec![0, 1, 2, 0, 0, 0],
        edges: vec![[0.0; 3], [0.0; 3]],
        ..Mesh::default()
    };
    let huge = cuboid(Vec3::splat(-1e6), Vec3::splat(1e6));
    let mut model = model_of(vec![flat, huge, Mesh::default()]);
    model.instances.push(Instance { model_from_part: Affine3A::from_scale(Vec3::ZERO), ..instance(0, Vec3::ZERO) });
    let builder = Builder::default().model("m", model).device("d", "m", DeviceKind::Equipment, Vec3::ZERO).select("d");
    let scene = builder.snapshot(Camera::default());
    for pitch in [-89.9, 0.0, 89.9] {
        let scene = SceneSnapshot { camera: camera(Vec3::ZERO, 5.0, 10.0, pitch), ..scene.clone() };
        let picture = draw(&gpu, &scene, (80, 60), Theme::DARK, &FrameOptions::default());
        assert_eq!(picture.count(|p| p[3] == 255), 80 * 60);
    }
}

#[test]
fn multisampling_smooths_and_keeps_the_picture() {
    let Some(gpu) = software() else { return };
    let scene = two_cubes().snapshot(camera(Vec3::Y * 0.5, 6.0, 40.0, 25.0));
    let one = draw_with(&gpu, &scene, (160, 120), Theme::DARK, &FrameOptions::bare(), 1);
    let four = draw_with(&gpu, &scene, (160, 120), Theme::DARK, &FrameOptions::bare(), 4);
    let changed = one.difference(&four, 12).1;
    assert!(changed > 20 && changed < 160 * 120 / 10, "{changed} pixels differ");
}

#[test]
fn pictures_are_read_back_in_order_through_the_ring() {
    let Some(gpu) = software() else { return };
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut target = RenderTarget::new(&gpu, 100, 50, 1).unwrap();
    assert_eq!(target.stride(), 512);
    assert_eq!(target.poll_read_back(true, |_, _| ()), Ok(None), "nothing is on its way");
    let red = Builder::default().model("m", cube(RED)).device("d", "m", DeviceKind::Equipment, Vec3::ZERO);
    let green = Builder::default().model("m", cube(GREEN)).device("d", "m", DeviceKind::Equipment, Vec3::ZERO);
    let view = camera(Vec3::Y * 0.5, 2.0, 0.0, 0.0);
    let scenes = [red.snapshot(view), green.snapshot(view), SceneSnapshot { camera: view, ..SceneSnapshot::default() }];
    for scene in &scenes {
        renderer.render(&mut target, scene, &FrameOptions::bare()).unwrap();
        assert!(target.start_read_back().unwrap());
    }
    assert_eq!(target.read_backs_in_flight(), RING_SIZE);
    assert!(!target.start_read_back().unwrap(), "the ring is full");
    let mut seen = Vec::new();
    while let Some(pixel) = target
        .poll_read_back(true, |bytes, stride| {
            assert_eq!(bytes.len(), stride * 50);
            let at = 25 * stride + 50 * 4;
            [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
        })
        .unwrap()
    {
        seen.push(pixel);
    }
    assert_eq!(seen.len(), 3);
    assert!(is_red(seen[0]) && is_green(seen[1]) && !is_red(seen[2]) && !is_green(seen[2]), "{seen:?}");
    assert!(target.start_read_back().unwrap(), "and may be used again");
    target.resize(64, 64).unwrap();
    assert_eq!(target.read_backs_in_flight(), 0);
    assert_eq!(target.read_back(|bytes, stride| (bytes.len(), stride)).unwrap(), (64 * 256, 256));
}

#[test]
fn png_files_hold_the_picture_and_bad_paths_say_so() {
    let Some(gpu) = software() else { return };
    let mut renderer = Renderer::new(&gpu, Theme::LIGHT).unwrap();
    let mut target = RenderTarget::new(&gpu, 37, 21, 1).unwrap();
    renderer.render(&mut target, &SceneSnapshot::default(), &FrameOptions::bare()).unwrap();
    let bytes = target.to_png().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut rgba = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgba).unwrap();
    assert_eq!((info.width, info.height), (37, 21));
    assert_eq!(rgba, target.to_rgba().unwrap());
    let error = target.save_png("/no/such/folder/picture.png").unwrap_err();
    assert!(error.to_string().contains("/no/such/folder/picture.png"), "{error}");
}

#[test]
fn a_lost_device_is_an_error_and_no_panic() {
    let Some(gpu) = software() else { return };
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut target = RenderTarget::new(&gpu, 64, 64, 1).unwrap();
    let scene = two_cubes().snapshot(Camera::default());
    renderer.render(&mut target, &scene, &FrameOptions::default()).unwrap();
    target.start_read_back().unwrap();
    gpu.device().destroy();
    let _ = gpu.device().poll(wgpu::PollType::wait_indefinitely());
    for _ in 0..2 {
        let again = renderer.render(&mut target, &scene, &FrameOptions::default());
        assert!(matches!(again, Err(GpuError::Lost(_))), "{again:?}");
    }
    assert!(target.poll_read_back(true, |_, _| ()).is_err() || target.read_back(|_, _| ()).is_err());
    assert!(matches!(RenderTarget::new(&gpu, 8, 8, 1), Err(GpuError::Lost(_))));
    assert!(matches!(Renderer::new(&gpu, Theme::DARK), Err(GpuError::Lost(_))));
}

#[test]
fn a_refused_command_comes_back_from_the_next_check() {
    let Some(gpu) = software() else { return };
    // A buffer that may be mapped for reading and used as vertices: no adapter allows that.
    let _bad = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("bad"),
        size: 16,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::VERTEX,
        mapped_at_creation: false,
    });
    assert!(matches!(gpu.check(), Err(GpuError::Refused(_))));
    assert_eq!(gpu.check(), Ok(()), "it is told once");
}

#[test]
fn the_device_tells_what_each_pass_takes() {
    let Some(gpu) = software() else { return };
    let scene = line().link("robot-1", "mill-A", "production_flow").select("robot-1").snapshot(line_camera());
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut target = RenderTarget::new(&gpu, 320, 180, 1).unwrap();
    let mut frame = |time_secs| {
        let options = FrameOptions { time_secs, ambient_occlusion: AmbientOcclusion::On, ..FrameOptions::default() };
        let stats = renderer.render(&mut target, &scene, &options);
        target.to_rgba().unwrap();
        stats.unwrap().times
    };
    assert_eq!(frame(0.0).total_ms(), None, "nothing is known of a frame before it was drawn");
    let first = frame(0.1);
    let ms = |pass| first.ms(pass).unwrap();
    assert!(Pass::ALL.into_iter().filter(|p| *p != Pass::Average).all(|p| ms(p) > 0.0), "{first:?}");
    assert_eq!(ms(Pass::Average), 0.0);
    assert!(first.total_ms().unwrap() < 10_000.0);
    // The second one kept the picture; the third restores it.
    for i in 0..3 {
        frame(f64::from(i));
    }
    let resting = frame(1.0);
    assert_eq!((resting.ms(Pass::Main), resting.ms(Pass::Shadow)), (Some(0.0), Some(0.0)));
    assert!(resting.ms(Pass::Connections).unwrap() > 0.0);
}
