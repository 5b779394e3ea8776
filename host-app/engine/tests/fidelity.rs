//! What a large workspace saves in drawing is not seen: pictures with coarser shapes, stand-ins and everything left out
//! that can be, against pictures of all there is.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking and prints its figures")]

#[path = "../examples/common/mod.rs"]
mod bench;
mod common;

use bench::fidelity::{Difference, NOTICED, SMALL, STEPS, camera_path, draw};
use common::software;
use rr_render::{Culling, Detail, RenderTarget, Renderer, Theme};
use rr_scene::{SceneSnapshot, Workspace};
use std::sync::Arc;
use std::time::Duration;

const DEVICES: usize = 80;
const SIZE: (u32, u32) = (640, 360);

#[test]
fn pictures_of_a_factory_are_those_in_full_detail_but_for_a_few_pixels() {
    let Some(gpu) = software() else { return };
    let folder = tempfile::tempdir().unwrap();
    rr_samples::factory::write(folder.path(), DEVICES).unwrap();
    let engine = bench::open(&gpu, &folder.path().join(rr_samples::factory::file_name(DEVICES)), None).unwrap();
    let scene = engine.scene();
    while scene.models.values().any(|m| m.stand_in.get().is_none()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    engine.shutdown().unwrap();

    let all = Culling::default();
    let cases = [
        ("all savings", all),
        ("without stand-ins", Culling { stand_ins: false, ..all }),
        ("without levels", Culling { levels: false, ..all }),
        ("without small", Culling { small: false, ..all }),
        ("without frustum", Culling { frustum: false, ..all }),
        ("frustum alone", Culling { frustum: true, ..Culling::NONE }),
    ];
    let cameras: Vec<_> = camera_path(&scene).into_iter().step_by(STEPS / 2).collect();
    let at = |camera| SceneSnapshot { camera, ..SceneSnapshot::clone(&scene) };
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut target = RenderTarget::new(&gpu, SIZE.0, SIZE.1, 1).unwrap();
    let mut picture =
        |scene: &SceneSnapshot, detail, culling| draw(&mut renderer, &mut target, scene, detail, culling).unwrap();
    let full: Vec<Vec<u8>> = cameras.iter().map(|(_, c)| picture(&at(*c), Detail::Full, Culling::NONE)).collect();
    let mut wrong = Vec::new();
    for detail in [Detail::Fine, Detail::Moving] {
        for (name, culling) in cases {
            let mut worst = Difference::default();
            for ((part, camera), full) in cameras.iter().zip(&full) {
                let difference = Difference::of(full, &picture(&at(*camera), detail, culling));
                if difference.noticed > SMALL.at(detail) {
                    wrong.push(format!("{detail:?}, {name}, {part}: {:.2} % of pixels", difference.noticed * 100.0));
                }
                worst = worst.worst(difference);
            }
            let noticed = worst.noticed * 100.0;
            println!("{detail:?}, {name}: mean {:.2} of 255, {noticed:.2} % by more than {NOTICED}", worst.mean);
        }
    }
    assert!(wrong.is_empty(), "more than allowed differ:\n{}", wrong.join("\n"));

    // What somebody would notice is noticed: every second device missing.
    let mut fewer = Workspace::clone(&scene.workspace);
    let gone: Vec<_> = scene.workspace.devices().map(|d| d.id.clone()).step_by(2).collect();
    for id in gone {
        fewer.apply(&rr_scene::Command::RemoveDevice(id), rr_scene::Role::Admin).unwrap();
    }
    let fewer = Arc::new(fewer);
    let missing = cameras.iter().zip(&full).map(|((_, camera), full)| {
        let fewer = SceneSnapshot { workspace: fewer.clone(), ..at(*camera) };
        Difference::of(full, &picture(&fewer, Detail::Fine, all))
    });
    let missing = missing.fold(Difference::default(), Difference::worst);
    assert!(missing.noticed > SMALL.in_motion * 2.0, "{missing:?}");
}
