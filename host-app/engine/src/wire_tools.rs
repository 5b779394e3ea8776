//! Translation of section planes and measurements between the wire and the session.

use rr_protocol::client::{MeasureKind, MeasurePick as WirePick, SectionPlanes};
use rr_protocol::host::{FactState, MeasuredThing, MeasurementState, QuantityName, SectionState};
use rr_scene::measure::{Fact, FeatureShape, Measurement, Quantity, Wanted, text};
use rr_session::{Changes, Input, MeasurePick, PlaneWish, Session};

pub(crate) fn section_input(wished: &SectionPlanes, timestamp_ms: f64) -> Input {
    let planes = wished.planes.iter().map(|p| PlaneWish { normal: p.normal.into(), offset: p.offset });
    Input::Section { planes: planes.collect(), timestamp_ms }
}

pub(crate) fn pick_input(pick: &WirePick) -> Input {
    Input::MeasurePick(MeasurePick {
        at: glam::Vec2::new(pick.screen_x, pick.screen_y),
        wanted: match pick.kind {
            None => Wanted::Anything,
            Some(MeasureKind::Vertex) => Wanted::Vertex,
            Some(MeasureKind::Edge) => Wanted::Edge,
            Some(MeasureKind::Face) => Wanted::Face,
        },
        radius_px: pick.radius_px,
        starts_anew: pick.starts_anew,
    })
}

pub(crate) fn section(session: &Session) -> Vec<SectionState> {
    session.section().planes().map(|p| SectionState { normal: p.normal.to_array(), offset: p.offset }).collect()
}

pub(crate) fn measurements(session: &Session) -> Vec<MeasurementState> {
    session.measurements().iter().map(measurement).collect()
}

pub(crate) fn changed_measurements(session: &Session, changes: &Changes) -> Vec<MeasurementState> {
    session.measurements().iter().filter(|m| changes.measurements.contains(&m.id)).map(measurement).collect()
}

fn measurement(m: &Measurement) -> MeasurementState {
    let kind = |shape: &FeatureShape| match shape {
        FeatureShape::Vertex => MeasureKind::Vertex,
        FeatureShape::Edge(_) => MeasureKind::Edge,
        FeatureShape::Face { .. } | FeatureShape::Round(_) => MeasureKind::Face,
    };
    MeasurementState {
        id: m.id,
        participant_id: m.by,
        is_open: m.is_open,
        label: m.measured.headline(),
        things: m
            .features
            .iter()
            .map(|f| MeasuredThing { device_id: f.device.0.clone(), kind: kind(&f.shape) })
            .collect(),
        facts: m.measured.facts.iter().map(fact).collect(),
    }
}

fn fact(f: &Fact) -> FactState {
    FactState {
        quantity: match f.quantity {
            Quantity::Distance => QuantityName::Distance,
            Quantity::DeltaX => QuantityName::DeltaX,
            Quantity::DeltaY => QuantityName::DeltaY,
            Quantity::DeltaZ => QuantityName::DeltaZ,
            Quantity::Gap => QuantityName::Gap,
            Quantity::Centres => QuantityName::Centres,
            Quantity::Length => QuantityName::Length,
            Quantity::Radius => QuantityName::Radius,
            Quantity::Diameter => QuantityName::Diameter,
            Quantity::Sweep => QuantityName::Sweep,
            Quantity::Angle => QuantityName::Angle,
            Quantity::X => QuantityName::X,
            Quantity::Y => QuantityName::Y,
            Quantity::Z => QuantityName::Z,
        },
        name: f.quantity.name().to_owned(),
        value: f.value,
        error: f.error,
        text: text::value(f),
    }
}
