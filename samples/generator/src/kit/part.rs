//! Parts, each defined once, and where they are used.

use super::{Solid, Triangle, Wire};
use glam::{DAffine3, DVec3};

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A solid of one colour.
#[derive(Debug, Clone)]
pub struct Body {
    /// Its shape.
    pub solid: Solid,
    /// Its colour.
    pub colour: Rgb,
}

/// Index of a part in its catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartId(pub usize);

/// A use of a part inside another.
#[derive(Debug, Clone)]
pub struct Child {
    /// What is placed.
    pub part: PartId,
    /// Rigid, from the child's space to its parent's.
    pub parent_from_child: DAffine3,
}

/// A named thing: bodies, curves and other parts.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Shown to people.
    pub name: String,
    /// Solids in the part's own space.
    pub bodies: Vec<Body>,
    /// Curves in the part's own space.
    pub wires: Vec<Wire>,
    /// Other parts that it holds.
    pub children: Vec<Child>,
}

/// An empty part of that name.
pub fn part(name: &str) -> Part {
    Part { name: name.to_owned(), ..Part::default() }
}

impl Part {
    /// Adds a solid.
    pub fn body(mut self, colour: Rgb, solid: Solid) -> Self {
        self.bodies.push(Body { solid, colour });
        self
    }

    /// Adds a curve.
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wires.push(wire);
        self
    }

    /// Places another part.
    pub fn child(mut self, part: PartId, parent_from_child: DAffine3) -> Self {
        self.children.push(Child { part, parent_from_child });
        self
    }
}

/// A whole model: its parts, the last of which holds all others.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Children always stand before their parents.
    pub parts: Vec<Part>,
}

impl Catalogue {
    /// Adds a part whose children are already here.
    pub fn add(&mut self, part: Part) -> PartId {
        self.parts.push(part);
        PartId(self.parts.len() - 1)
    }

    /// The part that holds all others.
    pub fn root(&self) -> PartId {
        PartId(self.parts.len().saturating_sub(1))
    }

    /// Visits every use of every part that has bodies or curves, with its place in the model.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Part, DAffine3)) {
        if !self.parts.is_empty() {
            self.walk_from(self.root(), DAffine3::IDENTITY, visit);
        }
    }

    fn walk_from<'a>(&'a self, id: PartId, place: DAffine3, visit: &mut dyn FnMut(&'a Part, DAffine3)) {
        let part = &self.parts[id.0];
        visit(part, place);
        for child in &part.children {
            self.walk_from(child.part, place * child.parent_from_child, visit);
        }
    }

    /// The same model with every use of a part written out as a part of its own.
    pub fn unshared(&self) -> Self {
        let mut out = Self::default();
        let mut root = part(self.parts.last().map_or("", |p| p.name.as_str()));
        self.walk(&mut |p, place| {
            if p.bodies.is_empty() {
                return;
            }
            let moved = p.bodies.iter().map(|b| Body { solid: b.solid.clone().at(place), colour: b.colour });
            let id = out.add(Part { name: p.name.clone(), bodies: moved.collect(), ..Part::default() });
            root.children.push(Child { part: id, parent_from_child: DAffine3::IDENTITY });
        });
        out.add(root);
        out
    }

    /// The same solids in another size; curves stay away.
    pub fn scaled(mut self, factor: f64) -> Self {
        for part in &mut self.parts {
            part.wires.clear();
            for body in &mut part.bodies {
                body.solid = std::mem::take(&mut body.solid).scaled(factor);
            }
            for child in &mut part.children {
                child.parent_from_child.translation *= factor;
            }
        }
        self
    }

    /// The same model with one colour in place of another.
    pub fn repainted(mut self, from: Rgb, to: Rgb) -> Self {
        for body in self.parts.iter_mut().flat_map(|p| &mut p.bodies) {
            if body.colour == from {
                body.colour = to;
            }
        }
        self
    }

    /// All triangles with their colours, in the model's space.
    pub fn triangles(&self) -> Vec<(Triangle, Rgb)> {
        let mut out = Vec::new();
        self.walk(&mut |part, place| {
            for body in &part.bodies {
                let moved = body.solid.triangles().into_iter().map(|t| t.map(|p| place.transform_point3(p)));
                out.extend(moved.map(|t| (t, body.colour)));
            }
        });
        out
    }

    /// Smallest box around all solids.
    pub fn bounds(&self) -> (DVec3, DVec3) {
        let (mut lo, mut hi) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
        self.walk(&mut |part, place| {
            for p in part.bodies.iter().flat_map(|b| b.solid.points()) {
                let p = place.transform_point3(p);
                lo = lo.min(p);
                hi = hi.max(p);
            }
        });
        (lo, hi)
    }
}
