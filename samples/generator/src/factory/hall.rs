//! The hall: blocks on a grid of aisles, and the workspace made of them.

use super::Model;
use super::blocks::{self, Block};
use crate::line::{Place, apply, radians};
use anyhow::Result;
use glam::Vec3;
use rr_scene::geometry::Aabb;
use rr_scene::{Camera, Command, Connection, Device, DeviceId, ModelRef, NamedView, UpAxis, Workspace};

/// Width of the aisles between blocks, metres.
const AISLE: f64 = 4.0;

/// A block, which of its kind it is, and where its corner stands.
struct Placed {
    block: Block,
    number: usize,
    x: f64,
    y: f64,
}

/// Where the named views look: metres in the drawing.
struct Hall {
    placed: Vec<Placed>,
    width: f64,
    depth: f64,
}

/// A workspace with that many devices and a fifth as many connections.
pub fn workspace(devices: usize) -> Result<Workspace> {
    let mut w = Workspace::new(format!("Factory with {devices} devices"));
    let hall = plan(devices);
    let mut ids: Vec<Vec<DeviceId>> = Vec::new();
    let mut count = 0;
    for placed in &hall.placed {
        ids.push(add_block(&mut w, placed, &mut count)?);
    }
    connect(&mut w, &hall.placed, &ids)?;
    views(&mut w, &hall)?;
    Ok(w)
}

/// Deals blocks in turn until all devices are used, then lays them out row by row, one kind after the other.
fn plan(devices: usize) -> Hall {
    let mut dealt: Vec<(usize, Block)> = Vec::new();
    let mut left = devices;
    for (turn, make) in blocks::CYCLE.iter().enumerate().cycle() {
        if left == 0 {
            break;
        }
        let mut block = make();
        block.truncate(left);
        left -= block.items.len();
        dealt.push((turn, block));
    }
    dealt.sort_by_key(|(turn, _)| *turn);
    // Blocks are two to three times as wide as deep: half as many columns as rows make a hall that is a little wider
    // than deep.
    let columns = ((dealt.len() as f64 / 2.0).sqrt().ceil() as usize).max(1);
    let (mut x, mut y, mut row_depth, mut in_row) = (0.0, 0.0, 0.0_f64, 0);
    let mut placed: Vec<Placed> = Vec::new();
    for (_, block) in dealt {
        if in_row == columns {
            (x, y, row_depth, in_row) = (0.0, y + row_depth + AISLE, 0.0, 0);
        }
        let number = 1 + placed.iter().filter(|p| p.block.title == block.title).count();
        row_depth = row_depth.max(block.depth);
        placed.push(Placed { block, number, x, y });
        x += blocks::WIDTH + AISLE;
        in_row += 1;
    }
    let (width, depth) = (columns as f64 * (blocks::WIDTH + AISLE) - AISLE, y + row_depth);
    for p in &mut placed {
        p.x -= width / 2.0;
        p.y -= depth / 2.0;
    }
    Hall { placed, width, depth }
}

fn add_block(w: &mut Workspace, placed: &Placed, count: &mut usize) -> Result<Vec<DeviceId>> {
    let Placed { block, number, x, y } = placed;
    let mut ids = Vec::new();
    for (i, item) in block.items.iter().enumerate() {
        let model = item.model;
        let before = block.items[..i].iter().filter(|other| other.model.noun() == model.noun()).count();
        let name = format!("{} {number} {} {}", block.title, model.noun(), before + 1);
        let id = w.free_device_id(&name);
        *count += 1;
        let device = Device {
            id: id.clone(),
            name,
            kind: model.kind(),
            model: Some(ModelRef { path: model.path(), unit: None, up: Some(UpAxis::Z) }),
            transform: Place(x + item.x, y + item.y, 0.0, item.turn).transform(),
            properties: model.properties(*count).into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        };
        apply(w, &Command::AddDevice(device))?;
        ids.push(id);
    }
    Ok(ids)
}

/// One connection for every five devices, spread evenly: what a block lacks, the next ones make up for. A block's links
/// come in the order in which they matter; the last is the way of its goods to the store.
fn connect(w: &mut Workspace, placed: &[Placed], ids: &[Vec<DeviceId>]) -> Result<()> {
    let racks: Vec<&DeviceId> = placed
        .iter()
        .zip(ids)
        .flat_map(|(p, ids)| p.block.items.iter().zip(ids))
        .filter(|(item, _)| item.model == Model::StorageRack)
        .map(|(_, id)| id)
        .collect();
    let (mut devices, mut made) = (0, 0);
    for (i, (p, ids)) in placed.iter().zip(ids).enumerate() {
        devices += ids.len();
        let inside = p.block.links.iter().map(|&(a, b, kind)| (&ids[a], &ids[b], kind));
        let goods = p.block.items.iter().rposition(|item| item.model == Model::PalletLoaded).map(|k| &ids[k]);
        // Steps of a prime length spread the goods over the racks.
        let store = (!racks.is_empty()).then(|| racks[i * 7 % racks.len()]);
        let outside = goods.zip(store).map(|(from, to)| (from, to, "material"));
        for (source, target, kind) in inside.chain(outside) {
            if made == devices / 5 {
                break;
            }
            let id = w.free_connection_id(source, target);
            let (source, target, kind) = (source.clone(), target.clone(), kind.to_owned());
            apply(w, &Command::AddConnection(Connection { id, source, target, kind }))?;
            made += 1;
        }
    }
    Ok(())
}

fn views(w: &mut Workspace, hall: &Hall) -> Result<()> {
    // A point of the first block of a kind that there are several of, as far to the right as asked for.
    let at = |title: &str, number: usize, x: f64, y: f64, z: f64| {
        let of_kind = |p: &&Placed| p.block.title == title;
        let p = hall.placed.iter().filter(of_kind).take(number).last().unwrap_or(&hall.placed[0]);
        [p.x + x, z, -(p.y + y)]
    };
    // The aisle right of the second column; the eye stands in it 1.7 m above the floor, before the first row.
    let aisle = -hall.width / 2.0 + (blocks::WIDTH + AISLE) * 2.0 - AISLE / 2.0;
    let far = hall.depth * 0.6;
    let (x, z) = ((hall.width / 2.0) as f32, (hall.depth / 2.0) as f32);
    let mut whole = Camera { yaw: radians(-16.0), pitch: radians(40.0), ..Camera::default() };
    whole.fit(&Aabb::of_points([[-x, 0.0, -z], [x, 4.0, z]]), 16.0 / 9.0);
    // What is near takes more of the picture than what is far: closer and looking a little lower fills it. Whole
    // metres, so that the last bits of sines never change the file.
    whole.distance = (whole.distance * 0.87).ceil();
    whole.target.z = (z * 0.13).ceil();
    apply(w, &Command::SaveView(NamedView { name: "Whole factory".to_owned(), camera: whole }))?;
    for (name, target, distance, yaw, pitch) in [
        ("Along the aisle", [aisle, 1.6, hall.depth / 2.0 + 3.0 - far], far, 0.0, (0.1 / far).asin().to_degrees()),
        ("Moulding machine", at("Moulding line", 1, 4.2, 6.0, 1.0), 8.0, 28.0, 22.0),
        ("Press line", at("Press line", 2, 11.0, 5.0, 1.0), 34.0, -32.0, 24.0),
    ] {
        let camera = Camera {
            target: Vec3::from_array(target.map(|v| v as f32)),
            distance: distance as f32,
            yaw: radians(yaw),
            pitch: radians(pitch),
            ..Camera::default()
        };
        apply(w, &Command::SaveView(NamedView { name: name.to_owned(), camera }))?;
    }
    Ok(())
}
