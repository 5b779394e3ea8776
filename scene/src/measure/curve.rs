//! From one segment of a feature edge to the whole edge that a person means: a straight line, an arc, or a curve without
//! corners.
//!
//! Loaders leave segments only. Where more than two meet, an edge ends; so it does at a corner. Between those, segments
//! on one line are a straight edge, and segments that turn evenly are an arc, of which a tangent line is no part.

use super::circle::Circle;
use crate::shape::{Grid, GridPoint, Segment, Shape};
use glam::{Affine3A, DVec3, Vec3};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Where consecutive segments turn by more than this (its cosine), an edge has a corner: 35 degrees. Arcs are divided
/// more finely by every CAD system, and a hexagon keeps its six edges.
const CORNER_COSINE: f64 = 0.819;
/// Segments of one edge that are followed. What is longer is cut there.
const MAX_SEGMENTS: usize = 20_000;
/// Points that are off a line by less than this part of its length lie on it.
const STRAIGHT: f64 = 1e-4;
/// A circle is named only when no point is off by more than this part of the radius.
const ROUND: f64 = 5e-3;

/// What kind of curve an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum CurveKind {
    /// A straight line from the first point to the last.
    Straight,
    /// A part of a circle, or all of it.
    Arc {
        /// The circle.
        circle: Circle,
        /// Radians along it.
        sweep: f64,
    },
    /// Anything else without corners.
    Free,
}

/// One edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// In their order; of a closed curve the first point comes again at the end.
    pub points: Vec<Vec3>,
    /// What it is.
    pub kind: CurveKind,
}

impl Curve {
    /// True when it ends where it begins.
    pub fn is_closed(&self) -> bool {
        self.points.len() > 2 && self.points.first() == self.points.last()
    }

    /// Its two ends, unless it has none.
    pub fn ends(&self) -> Option<[Vec3; 2]> {
        if self.is_closed() {
            return None;
        }
        Some([*self.points.first()?, *self.points.last()?])
    }

    /// The edge that a segment belongs to, carried to the model.
    pub(crate) fn of_segment(shape: &Shape, of: Curves, index: usize, model_from_part: &Affine3A) -> Option<Self> {
        let segments = of.of(shape);
        let picked = segments.get(index)?;
        if picked.from == picked.to {
            return None;
        }
        // Segments of one feature have its size, and segments of one size are neighbours.
        let feature = match of {
            Curves::Edges => {
                let start = segments.partition_point(|s| s.size > picked.size);
                let end = segments.partition_point(|s| s.size >= picked.size);
                segments.get(start..end).unwrap_or(segments)
            }
            Curves::Lines => segments,
        };
        let graph = Graph::of(feature);
        let place = |p: GridPoint| model_from_part.transform_point3a(shape.grid.unpack(p)).as_dvec3();
        let run = Run::around(&graph, [picked.from, picked.to], &place);
        let step = f64::from(shape.grid.step) * f64::from(model_from_part.matrix3.x_axis.length());
        run.curve(step)
    }
}

/// Which of a shape's lists of segments is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curves {
    /// Feature edges of faces.
    Edges,
    /// Curves that are geometry of their own.
    Lines,
}

impl Curves {
    pub(crate) const BOTH: [Self; 2] = [Self::Edges, Self::Lines];

    pub(crate) fn of(self, shape: &Shape) -> &[Segment] {
        match self {
            Self::Edges => &shape.edges,
            Self::Lines => &shape.lines,
        }
    }
}

/// Which points are joined by segments. Of each point two neighbours are enough, and that there are more.
#[derive(Debug, Default)]
struct Graph(HashMap<GridPoint, Neighbours>);

#[derive(Debug, Default, Clone, Copy)]
struct Neighbours {
    points: [GridPoint; 2],
    count: u8,
}

impl Graph {
    fn of(segments: &[Segment]) -> Self {
        let mut graph = Self(HashMap::with_capacity(segments.len()));
        for segment in segments.iter().filter(|s| s.from != s.to) {
            for (at, other) in [(segment.from, segment.to), (segment.to, segment.from)] {
                graph.0.entry(at).or_default().add(other);
            }
        }
        graph
    }

    /// The only way on from a point that was reached from another; none at an end or a fork.
    fn next(&self, from: GridPoint, at: GridPoint) -> Option<GridPoint> {
        let found = self.0.get(&at).filter(|n| n.count == 2)?;
        found.points.into_iter().find(|p| *p != from)
    }
}

impl Neighbours {
    /// Both faces at an edge may have named it: the same neighbour counts once.
    fn add(&mut self, point: GridPoint) {
        let known = self.points.iter().take(usize::from(self.count)).any(|p| *p == point);
        if known {
            return;
        }
        if let Some(place) = self.points.get_mut(usize::from(self.count)) {
            *place = point;
        }
        self.count = self.count.saturating_add(1);
    }
}

/// The points around a picked segment up to the next corner or fork on both sides.
struct Run {
    points: Vec<DVec3>,
    /// The picked segment leads from this point to the next.
    picked: usize,
    is_closed: bool,
}

impl Run {
    fn around(graph: &Graph, [from, to]: [GridPoint; 2], place: &impl Fn(GridPoint) -> DVec3) -> Self {
        let follow = |mut before: GridPoint, mut at: GridPoint, stop: GridPoint| {
            let mut points = Vec::new();
            let mut direction = place(at) - place(before);
            while let Some(next) = graph.next(before, at) {
                let onwards = place(next) - place(at);
                let goes_on = direction.dot(onwards) > CORNER_COSINE * direction.length() * onwards.length();
                if !goes_on || points.len() >= MAX_SEGMENTS {
                    break;
                }
                points.push(place(next));
                if next == stop {
                    return (points, true);
                }
                (before, at, direction) = (at, next, onwards);
            }
            (points, false)
        };
        let (ahead, came_around) = follow(from, to, from);
        // A loop has a corner where it begins when the last segment does not lead into the first.
        if came_around {
            let points: Vec<DVec3> = [place(from), place(to)].into_iter().chain(ahead).collect();
            let last = points.len() - 1;
            let (into, out) = (points[last] - points[last - 1], points[1] - points[0]);
            if into.dot(out) > CORNER_COSINE * into.length() * out.length() {
                return Self { points, picked: 0, is_closed: true };
            }
            return Self { points, picked: 0, is_closed: false };
        }
        let (mut points, _) = follow(to, from, to);
        points.reverse();
        let picked = points.len();
        points.extend([place(from), place(to)]);
        points.extend(ahead);
        Self { points, picked, is_closed: false }
    }

    /// What the run is at the picked segment. `step` is the distance between points of the grid: what is smaller is noise.
    fn curve(mut self, step: f64) -> Option<Curve> {
        if self.points.iter().any(|p| !p.is_finite()) {
            return None;
        }
        if let Some(arc) = self.arc(0, self.points.len() - 1) {
            return Some(self.part(0, self.points.len() - 1, arc));
        }
        // A loop with a straight piece in it: begin in the middle, so that neither way runs into its end.
        if self.is_closed {
            let segments = self.points.len() - 1;
            self.points.pop();
            let middle = segments / 2;
            self.points.rotate_right(middle);
            self.points.push(self.points[0]);
            self.picked = middle;
        }
        let (first, last) = self.straight(step);
        if last - first > 1 {
            return Some(self.part(first, last, CurveKind::Straight));
        }
        match self.grow_arc(step) {
            Grown::Arc(first, last, kind) => Some(self.part(first, last, kind)),
            Grown::Straight => Some(self.part(first, last, CurveKind::Straight)),
            Grown::Free => Some(self.part(0, self.points.len() - 1, CurveKind::Free)),
        }
    }

    fn part(&self, first: usize, last: usize, kind: CurveKind) -> Curve {
        let points = self.points[first..=last].iter().map(|p| p.as_vec3()).collect();
        Curve { points, kind }
    }

    fn length(&self, segment: usize) -> f64 {
        (self.points[segment + 1] - self.points[segment]).length()
    }

    /// From where to where the run lies on the line of the picked segment.
    fn straight(&self, step: f64) -> (usize, usize) {
        let (mut first, mut last) = (self.picked, self.picked + 1);
        let is_line = |first: usize, last: usize| {
            let (a, b) = (self.points[first], self.points[last]);
            let along = b - a;
            let length = along.length();
            let tolerance = (STRAIGHT * length).max(2.0 * step);
            self.points[first..=last].iter().all(|p| along.cross(*p - a).length() <= tolerance * length)
        };
        while last + 1 < self.points.len() && is_line(first, last + 1) {
            last += 1;
        }
        while first > 0 && is_line(first - 1, last) {
            first -= 1;
        }
        (first, last)
    }

    /// The arc from one point to another, when a circle fits well.
    fn arc(&self, first: usize, last: usize) -> Option<CurveKind> {
        let points = &self.points[first..=last];
        // Three points lie on some circle whatever they are.
        if points.len() < 4 {
            return None;
        }
        let circle = Circle::fit(points).filter(|c| c.error <= ROUND * c.radius)?;
        let lengths = (first..last).map(|s| self.length(s));
        let longest = lengths.clone().fold(0.0, f64::max);
        // A straight piece with a chord on both sides lies on some circle too, and so does a hexagon.
        let is_even = points.len() > 4 || longest < 1.3 * lengths.fold(f64::INFINITY, f64::min);
        if !is_even || longest >= circle.radius {
            return None;
        }
        let sweep = points
            .windows(2)
            .map(|p| {
                let [a, b] = [p[0], p[1]].map(|p| p - circle.centre);
                a.angle_between(b)
            })
            .sum();
        Some(CurveKind::Arc { circle, sweep })
    }

    /// The longest arc around the picked segment.
    fn grow_arc(&self, step: f64) -> Grown {
        let end = self.points.len() - 1;
        let length = self.length(self.picked);
        let beside = [self.picked.checked_sub(1), Some(self.picked + 1)].into_iter().flatten().filter(|s| *s < end);
        let beside = beside.map(|s| self.length(s)).fold(0.0, f64::max);
        // A segment that is far longer than those beside it is the straight piece between arcs.
        if length > 3.0 * beside {
            return Grown::Straight;
        }
        // A tangent line leaves a circle by four sagittas within the length of a chord.
        let tolerance = |circle: &Circle| length * length / (32.0 * circle.radius) + 4.0 * step;
        let windows = [1, 2, 0].into_iter().filter_map(|before| self.picked.checked_sub(before));
        // Two chords with a straight piece between them lie on some circle as well.
        let is_even = |first: usize| (first..first + 3).all(|s| self.length(s) < 2.5 * length);
        let mut windows = windows.filter(|first| first + 3 <= end && is_even(*first));
        let fitting = windows.find_map(|first| {
            let circle = Circle::fit(&self.points[first..=first + 3])?;
            (circle.error <= tolerance(&circle)).then_some((first, circle))
        });
        let Some((mut first, mut circle)) = fitting else { return Grown::Free };
        let mut last = first + 3;
        let mut drifts = false;
        loop {
            let mut grew = false;
            for next in [(last < end).then_some(last + 1), first.checked_sub(1)].into_iter().flatten() {
                let (off, room) = (circle.distance(self.points[next]), tolerance(&circle));
                if off > room {
                    // An arc ends with a jump of the curvature. A curve that leaves the circle slowly is none.
                    drifts |= off < 6.0 * room;
                    continue;
                }
                (first, last, grew) = (first.min(next), last.max(next), true);
                // The more points, the better the circle is known: often at first, rarely later.
                let count = last - first;
                if count < 16 || count.is_power_of_two() {
                    circle = Circle::fit(&self.points[first..=last]).unwrap_or(circle);
                }
            }
            if !grew {
                break;
            }
            drifts = false;
        }
        match self.arc(first, last) {
            Some(kind) if !drifts => Grown::Arc(first, last, kind),
            None if last - first == 3 && length > 1.3 * beside => Grown::Straight,
            _ => Grown::Free,
        }
    }
}

enum Grown {
    Arc(usize, usize, CurveKind),
    Straight,
    Free,
}

/// Boxes around runs of segments, so that a ray need not be tried against each: in the coordinates of the shape.
#[derive(Debug, Default)]
pub(crate) struct SegmentBoxes {
    edges: Vec<crate::Aabb>,
    lines: Vec<crate::Aabb>,
}

/// Segments in one box.
const IN_A_BOX: usize = 64;

impl SegmentBoxes {
    pub(crate) fn of(shape: &Shape) -> Self {
        let boxes = |segments: &[Segment]| {
            let grid: &Grid = &shape.grid;
            let ends = |s: &Segment| [s.from, s.to].map(|p| Vec3::from(grid.unpack(p)).to_array());
            segments.chunks(IN_A_BOX).map(|run| crate::Aabb::of_points(run.iter().flat_map(ends))).collect()
        };
        Self { edges: boxes(&shape.edges), lines: boxes(&shape.lines) }
    }

    /// Segments, with their number, whose box passes the test.
    pub(crate) fn near<'a>(
        &'a self,
        shape: &'a Shape,
        of: Curves,
        passes: impl Fn(&crate::Aabb) -> bool + 'a,
    ) -> impl Iterator<Item = (usize, &'a Segment)> + 'a {
        let boxes = match of {
            Curves::Edges => &self.edges,
            Curves::Lines => &self.lines,
        };
        let runs = of.of(shape).chunks(IN_A_BOX).zip(boxes).enumerate().filter(move |(_, (_, bounds))| passes(bounds));
        runs.flat_map(|(run, (segments, _))| (run * IN_A_BOX..).zip(segments))
    }
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
