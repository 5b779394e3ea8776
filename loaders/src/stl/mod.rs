//! STL, the format of stereolithography, binary and ASCII.
//!
//! Sources: 3D Systems, StereoLithography Interface Specification (1988, 1989), as reprinted in M. Burns, Automated
//! Fabrication, section 6.5 (1993). Colours in the two attribute bytes of a binary facet are later conventions of
//! VisCAM and SolidView on one side and of Materialise Magics on the other; [`colour`] has them. The stored facet
//! normals are not used: many programs write zeros or NaN there, and the order of the corners says the same.
//!
//! What real files get wrong is repaired with a warning: a facet count that does not fit the length, binary files that
//! begin with `solid`, a missing `endsolid`, coordinates that are no numbers, facets with more than three corners.

mod ascii;
mod binary;
mod colour;
mod number;
mod pieces;

use crate::{
    Confidence, Import, LoadContext, LoadError, Loader, Source,
    context::Steps,
    mesh::{self, Soup},
};
use pieces::Piece;
use rayon::prelude::*;
use rr_scene::{Assembly, Instance, Mesh, Part};

/// Reads STL, binary and ASCII.
#[derive(Debug, Clone, Copy)]
pub struct StlLoader;

/// Coordinates beyond this are damage, not geometry: their squares leave the range of `f32`.
const MAX_COORDINATE: f32 = 1e18;

const FORMAT: &str = "stl";

impl Loader for StlLoader {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["stl"]
    }

    fn sniff(&self, head: &[u8], file_bytes: u64) -> Confidence {
        if binary::has_exact_length(head, file_bytes) {
            return Confidence::Certain;
        }
        match ascii::first_word(head) {
            Some(word) if is_text(head) && (word == b"solid" || word == b"facet") => {
                let has_facet = head.windows(5).any(|w| w.eq_ignore_ascii_case(b"facet"));
                if has_facet { Confidence::Certain } else { Confidence::Likely }
            }
            _ => Confidence::No,
        }
    }

    fn cache_key(&self) -> Option<String> {
        Some("stl-1".to_owned())
    }

    fn load(&self, source: &Source, context: &LoadContext) -> Result<Import, LoadError> {
        let (variant, pieces, warnings) = read(source, context)?;
        build(pieces, variant, warnings, source, context)
    }
}

/// Reads the facets as they stand in the file, without joining them to a surface, and counts them.
pub fn count_facets(source: &Source, context: &LoadContext) -> Result<usize, LoadError> {
    let (_, pieces, _) = read(source, context)?;
    Ok(pieces.iter().map(|p| p.soup.len()).sum())
}

/// Reads the facets and joins their corners, without normals and edges: what other readers of the format give. One
/// surface per solid.
pub fn read_surfaces(source: &Source, context: &LoadContext) -> Result<Vec<mesh::Welded>, LoadError> {
    let (_, pieces, _) = read(source, context)?;
    pieces.into_par_iter().map(|piece| mesh::weld(&piece.soup, || source.check(context))).collect()
}

/// Flavour, solids and warnings.
fn read<'a>(
    source: &'a Source,
    context: &LoadContext,
) -> Result<(&'static str, Vec<Piece<'a>>, Vec<String>), LoadError> {
    let is_binary = binary::has_exact_length(source.head(), source.len()) || !is_text(source.head());
    let (pieces, warnings) = if is_binary { binary::read(source, context)? } else { ascii::read(source, context)? };
    Ok((if is_binary { "binary" } else { "ASCII" }, pieces, warnings))
}

/// ASCII STL has no control characters but white space; facets of binary STL hardly avoid them.
fn is_text(head: &[u8]) -> bool {
    !head.iter().any(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C))
}

fn malformed(source: &Source, offset: Option<u64>, reason: impl Into<String>) -> LoadError {
    LoadError::Malformed { file: source.path().to_owned(), format: FORMAT, offset, reason: reason.into() }
}

fn check_count(source: &Source, count: u64, context: &LoadContext) -> Result<(), LoadError> {
    let limit = context.limits.max_triangles.min(u64::from(u32::MAX / 3));
    if count <= limit {
        return Ok(());
    }
    let reason = format!("{count} triangles, the limit is {limit}");
    Err(LoadError::TooLarge { file: source.path().to_owned(), reason })
}

/// Welds and shades every solid and puts them into a model.
fn build(
    pieces: Vec<Piece>,
    variant: &str,
    mut warnings: Vec<String>,
    source: &Source,
    context: &LoadContext,
) -> Result<Import, LoadError> {
    let total: usize = pieces.iter().map(|p| p.soup.len()).sum();
    let welding = Steps::new(source, context, "joining corners", 0.4..0.7, mesh::checks(total));
    let shading = Steps::new(source, context, "finding edges", 0.7..1.0, mesh::checks(total));
    let built: Vec<(Part, Option<rr_scene::Rgba8>, usize)> = pieces
        .into_par_iter()
        .map(|piece| {
            let welded = mesh::weld(&piece.soup, || welding.step())?;
            let twice = |t: &[u32]| t[0] == t[1] || t[1] == t[2] || t[2] == t[0];
            let without_area = welded.indices().par_chunks_exact(3).filter(|t| twice(t)).count();
            let mesh = mesh::shade(welded, mesh::DEFAULT_CREASE_DEGREES, || shading.step())?;
            let mesh = Mesh { colours: piece.colours, ..mesh };
            Ok((Part { name: piece.name, mesh }, piece.default_colour, without_area))
        })
        .collect::<Result<_, LoadError>>()?;
    let without_area: usize = built.iter().map(|(_, _, n)| n).sum();
    if without_area > 0 {
        warnings.push(format!("{without_area} of {total} facets have no area: two of their corners are the same"));
    }
    let mut model = Assembly::default();
    for ((part, colour, _), number) in built.into_iter().zip(0..) {
        model.instances.push(Instance {
            part: number,
            name: part.name.clone(),
            model_from_part: glam::Affine3A::IDENTITY,
            colour,
        });
        model.parts.push(part);
    }
    Ok(Import { model, variant: variant.to_owned(), warnings, ..Import::default() })
}
