//! The structure of a model: groups for what is used once, subfigures for what is used more often.

use super::file::{De, Entity, IgesFile, IgesUnit, Params};
use super::shapes::{DEFINITION, LOGICAL, Shapes};
use crate::kit::{Catalogue, PartId};
use glam::{DAffine3, DMat3};

/// The model as the text of an IGES file.
///
/// Each face is a trimmed surface (144) with a colour (314). A part that is used once where it stands is a named
/// group (402 form 7); all others are subfigure definitions (308) with an instance (408) for each use.
pub fn write(name: &str, notes: &[&str], model: &Catalogue, unit: IgesUnit) -> String {
    let (lo, hi) = model.bounds();
    let mut largest = lo.abs().max(hi.abs()).max_element() * unit.per_mm();
    if !largest.is_finite() {
        largest = 0.0;
    }
    let mut uses = vec![0usize; model.parts.len()];
    let mut moved = vec![false; model.parts.len()];
    for child in model.parts.iter().flat_map(|p| &p.children) {
        uses[child.part.0] += 1;
        moved[child.part.0] |= child.parent_from_child != DAffine3::IDENTITY;
    }
    let shapes = Shapes::new(IgesFile::new(name, unit, notes, largest), unit);
    let mut writer = Writer { shapes, unit, model, made: Vec::new() };
    for i in 0..model.parts.len() {
        let is_subfigure = uses[i] > 1 || moved[i];
        writer.part(PartId(i), is_subfigure);
    }
    writer.shapes.file.finish()
}

/// A part that is in the file.
#[derive(Clone, Copy)]
struct Made {
    de: De,
    /// Levels of subfigures inside; none for a group.
    depth: Option<usize>,
    instances: usize,
}

struct Writer<'a> {
    shapes: Shapes,
    unit: IgesUnit,
    model: &'a Catalogue,
    made: Vec<Made>,
}

impl Writer<'_> {
    fn part(&mut self, id: PartId, is_subfigure: bool) {
        let part = &self.model.parts[id.0];
        let mut members = Vec::new();
        for body in &part.bodies {
            members.extend(self.shapes.solid(&body.solid, body.colour));
        }
        members.extend(part.wires.iter().map(|w| self.shapes.wire(w)));
        let mut depth = 0;
        for child in &part.children {
            let made = self.made[child.part.0];
            match made.depth {
                None => members.push(made.de),
                Some(inside) => {
                    depth = depth.max(inside + 1);
                    self.made[child.part.0].instances += 1;
                    members.push(self.instance(made.de, child.parent_from_child, made.instances + 1));
                }
            }
        }
        let is_root = id == self.model.root();
        let entity = if is_subfigure {
            let params = Params::new().int(depth).text(&part.name).list(&members);
            Entity { kind: 308, params, status: DEFINITION, label: label(&part.name), ..Entity::default() }
        } else {
            let name = self.name(&part.name);
            // No associativities, one property: the name.
            let params = Params::new().list(&members).int(0).list(&[name]);
            let status = if is_root { 0 } else { LOGICAL };
            Entity { kind: 402, form: 7, params, status, label: label(&part.name), ..Entity::default() }
        };
        let de = self.shapes.file.add(entity);
        self.made.push(Made { de, depth: is_subfigure.then_some(depth), instances: 0 });
    }

    /// Singular subfigure instance, type 408; a turn needs a matrix.
    fn instance(&mut self, definition: De, place: DAffine3, number: usize) -> De {
        let is_turned = place.matrix3 != DMat3::IDENTITY;
        let matrix = if is_turned { self.shapes.matrix(&place) } else { None };
        let by = if is_turned { glam::DVec3::ZERO } else { place.translation * self.unit.per_mm() };
        let params = Params::new().to(definition).reals(by.to_array()).reals([1.0]);
        let entity = Entity { kind: 408, params, matrix, status: LOGICAL, subscript: number, ..Entity::default() };
        self.shapes.file.add(entity)
    }

    /// Name property, type 406 form 15.
    fn name(&mut self, name: &str) -> De {
        let params = Params::new().int(1).text(name);
        self.shapes.file.add(Entity { kind: 406, form: 15, params, status: DEFINITION, ..Entity::default() })
    }
}

/// Up to eight characters for the directory.
fn label(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(8).collect::<String>().to_ascii_uppercase()
}
