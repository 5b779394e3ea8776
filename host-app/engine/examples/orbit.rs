//! `orbit WORKSPACE FILE [PICTURES]`: a whole turn of the camera around a workspace at 1280x720, in full detail, written
//! as raw RGBA pictures one behind the other: the same pictures for all that `make bench-stream` compares.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod common;

use common::{Failure, open};
use rr_engine::{AdapterChoice, Cache, Gpu};
use rr_render::{FrameOptions, RenderTarget, Renderer, Theme};
use rr_scene::SceneSnapshot;
use std::f32::consts::TAU;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const SIZE: (u32, u32) = (1280, 720);

#[expect(clippy::cast_precision_loss, reason = "a handful of pictures")]
fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(workspace), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: orbit WORKSPACE FILE [PICTURES]".into());
    };
    let count: usize = args.next().map_or(Ok(180), |n| n.parse())?;
    let gpu = Gpu::headless(AdapterChoice::Auto)?;
    let engine = open(&gpu, Path::new(&workspace), Cache::of_user())?;
    let mut scene = SceneSnapshot::clone(&engine.scene());
    engine.shutdown()?;
    let mut renderer = Renderer::new(&gpu, Theme::DARK)?;
    let mut target = RenderTarget::new(&gpu, SIZE.0, SIZE.1, 4)?;
    // Uploads come bit by bit.
    while renderer.render(&mut target, &scene, &FrameOptions::default())?.waiting_models > 0 {}
    let mut file = BufWriter::new(File::create(&out)?);
    for i in 0..count {
        scene.camera.yaw = TAU * i as f32 / count as f32;
        let options = FrameOptions { time_secs: i as f64 / 30.0, ..FrameOptions::default() };
        renderer.render(&mut target, &scene, &options)?;
        let width = SIZE.0 as usize * 4;
        target.read_back(|rgba, stride| rgba.chunks(stride).try_for_each(|row| file.write_all(&row[..width])))??;
    }
    file.flush()?;
    println!("{count} pictures of {}x{} in {out}", SIZE.0, SIZE.1);
    Ok(())
}
