//! From the arrays of the kernel to the types of the scene, which allow finite coordinates only.

use rr_load::cad::wire;
use rr_occt::{FaceRun, Part, Placement};
use rr_scene::{ColourRange, Mesh, Rgba8};

/// The part as the scene knows it, and how many triangles and lines it lost because they were not finite.
pub fn part(part: Part) -> (rr_scene::Part, usize) {
    let mut positions = points(&part.positions);
    let mut normals = points(&part.normals);
    normals.resize(positions.len(), [0.0, 0.0, 1.0]);
    let usable: Vec<bool> = positions.iter().zip(&normals).map(|(p, n)| is_finite(p) && is_finite(n)).collect();

    let mut mesh = Mesh::default();
    let triangles = part.indices.as_chunks::<3>().0;
    let mut dropped = 0;
    for run in &part.faces {
        let first = run.first_triangle as usize;
        let of_face = triangles.get(first..first + run.triangle_count as usize).unwrap_or_default();
        let before = mesh.indices.len();
        for triangle in of_face {
            if triangle.iter().all(|&i| usable.get(i as usize).is_some_and(|u| *u)) {
                mesh.indices.extend(triangle);
            } else {
                dropped += 1;
            }
        }
        add_run(&mut mesh.colours, run, before / 3, (mesh.indices.len() - before) / 3);
    }
    for ((position, normal), usable) in positions.iter_mut().zip(&mut normals).zip(&usable) {
        if !usable {
            (*position, *normal) = ([0.0; 3], [0.0, 0.0, 1.0]);
        }
    }
    // A point that no triangle uses would still count for the bounds.
    if dropped > 0 {
        let anchor = mesh.indices.first().map_or([0.0; 3], |&i| positions[i as usize]);
        positions.iter_mut().zip(&usable).filter(|(_, usable)| !**usable).for_each(|(p, _)| *p = anchor);
    }
    mesh.positions = positions;
    mesh.normals = normals;
    mesh.edges = segments(&part.edges, &mut dropped);
    mesh.lines = segments(&part.lines, &mut dropped);
    (rr_scene::Part { name: part.name, mesh }, dropped)
}

/// The placement as it goes over the wire; `None` when it is not finite.
pub fn placement(placement: Placement) -> Option<wire::Placement> {
    let Placement { part, name, matrix, has_colour, rgba } = placement;
    #[expect(clippy::cast_possible_truncation, reason = "the client keeps single precision")]
    let finite = matrix.iter().all(|v| (*v as f32).is_finite());
    finite.then(|| wire::Placement { part, name, matrix, colour: has_colour.then_some(Rgba8(rgba)) })
}

/// Neighbouring faces of one colour become one run.
fn add_run(colours: &mut Vec<ColourRange>, face: &FaceRun, first: usize, count: usize) {
    let (Ok(first_triangle), Ok(triangle_count)) = (u32::try_from(first), u32::try_from(count)) else { return };
    if !face.has_colour || count == 0 {
        return;
    }
    let colour = Rgba8(face.rgba);
    match colours.last_mut() {
        Some(last) if last.colour == colour && last.first_triangle + last.triangle_count == first_triangle => {
            last.triangle_count += triangle_count;
        }
        _ => colours.push(ColourRange { first_triangle, triangle_count, colour }),
    }
}

fn points(numbers: &[f32]) -> Vec<[f32; 3]> {
    numbers.as_chunks::<3>().0.to_vec()
}

fn segments(numbers: &[f32], dropped: &mut usize) -> Vec<[f32; 3]> {
    let mut kept = Vec::with_capacity(numbers.len() / 3);
    for segment in points(numbers).as_chunks::<2>().0 {
        if segment.iter().all(is_finite) {
            kept.extend(segment);
        } else {
            *dropped += 1;
        }
    }
    kept
}

fn is_finite(v: &[f32; 3]) -> bool {
    v.iter().all(|c| c.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_scene::Aabb;

    fn face(first_triangle: u32, triangle_count: u32, rgba: [u8; 4]) -> FaceRun {
        FaceRun { first_triangle, triangle_count, has_colour: true, rgba }
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_counted() {
        let (red, blue) = ([255, 0, 0, 255], [0, 0, 255, 255]);
        let input = Part {
            positions: vec![5.0, 5.0, 5.0, 6.0, 5.0, 5.0, 5.0, 6.0, 5.0, f32::NAN, 0.0, 0.0],
            normals: [0.0, 0.0, 1.0].repeat(4),
            indices: vec![0, 1, 3, 0, 1, 2, 2, 1, 0],
            faces: vec![face(0, 2, red), face(2, 1, blue)],
            lines: vec![0.0, 0.0, 0.0, f32::INFINITY, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0],
            ..Part::default()
        };
        let (part, dropped) = part(input);
        part.mesh.check().unwrap();
        assert_eq!(dropped, 2);
        assert_eq!((part.mesh.triangle_count(), part.mesh.line_count()), (2, 1));
        let runs: Vec<_> = part.mesh.colours.iter().map(|c| (c.first_triangle, c.triangle_count, c.colour.0)).collect();
        assert_eq!(runs, [(0, 1, red), (1, 1, blue)]);
        assert_eq!(Aabb::of_points(part.mesh.positions.iter().copied()).min, [5.0; 3].into());
    }

    #[test]
    fn neighbouring_faces_of_one_colour_become_one_run() {
        let input = Part {
            positions: vec![0.0; 9],
            normals: [0.0, 0.0, 1.0].repeat(3),
            indices: [0, 1, 2].repeat(3),
            faces: vec![face(0, 1, [1; 4]), face(1, 1, [1; 4]), face(2, 1, [2; 4])],
            ..Part::default()
        };
        assert_eq!(part(input).0.mesh.colours.len(), 2);
    }
}
