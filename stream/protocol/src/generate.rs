//! Generates the TypeScript types and the JSON schema from the definitions of this crate.

use crate::{client, host, signaling, stats, token, worker};
use schemars::schema_for;
use ts_rs::{Config, TS};

const HEADER: &str = "// Generated from the Rust definitions in stream/protocol by `make protocol`. Do not edit.\n\n";

/// The whole of `web-viewer/src/protocol.gen.ts`.
pub fn typescript() -> String {
    let config = Config::default();
    let mut text = HEADER.to_owned();
    text.push_str(&format!("export const PROTOCOL_VERSION = {};\n", crate::PROTOCOL_VERSION));
    text.push_str(&format!("export const INPUT_CHANNEL = \"{}\";\n", crate::INPUT_CHANNEL));
    text.push_str(&format!("export const STATE_CHANNEL = \"{}\";\n", crate::STATE_CHANNEL));
    let mut declare = |declaration: String| {
        text.push_str("\nexport ");
        text.push_str(&declaration);
        text.push('\n');
    };
    macro_rules! types {
        ($($t:ty),* $(,)?) => { $( declare(<$t>::decl(&config)); )* };
    }
    types!(
        token::Role,
        client::Nothing,
        client::Delta,
        client::Zoom,
        client::ViewName,
        client::SectionPlane,
        client::SectionPlanes,
        client::MeasureKind,
        client::MeasurePick,
        client::MeasurementRef,
        client::Point,
        client::Click,
        client::Drag,
        client::NewDevice,
        client::DeviceRef,
        client::NewConnection,
        client::ConnectionRef,
        client::OwnCamera,
        client::StatsWatch,
        client::PictureWatch,
        client::ClientBody,
        client::ClientMessage,
        host::Property,
        host::Bounds,
        host::ModelState,
        host::DeviceState,
        host::ConnectionState,
        host::CameraState,
        host::SectionState,
        host::QuantityName,
        host::FactState,
        host::MeasuredThing,
        host::MeasurementState,
        host::PictureSize,
        host::You,
        host::FullState,
        host::StateUpdate,
        host::Participant,
        host::Presence,
        host::HostStages,
        host::Ack,
        host::Picture,
        host::ErrorCode,
        host::HostError,
        host::Part,
        stats::LeftOut,
        stats::PassMs,
        stats::StreamStats,
        stats::HostStats,
        host::HostBody,
        host::HostMessage,
        signaling::Hello,
        signaling::IceServer,
        signaling::Waiting,
        signaling::Welcome,
        signaling::Sdp,
        signaling::Candidate,
        signaling::SignalError,
        signaling::Bye,
        signaling::SignalFromViewer,
        signaling::SignalFromHost,
    );
    text
}

/// The whole of `docs/protocol.schema.json`.
pub fn json_schema() -> Result<String, serde_json::Error> {
    let all = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Remote Render protocol",
        "version": crate::PROTOCOL_VERSION,
        "clientMessage": schema_for!(client::ClientMessage),
        "hostMessage": schema_for!(host::HostMessage),
        "signalFromViewer": schema_for!(signaling::SignalFromViewer),
        "signalFromHost": schema_for!(signaling::SignalFromHost),
        "workerJoin": schema_for!(worker::JoinRequest),
        "workerMembership": schema_for!(worker::Membership),
        "workerFetch": schema_for!(worker::FetchRequest),
        "workerFetched": schema_for!(worker::Fetched),
        "workerKeep": schema_for!(worker::KeepRequest),
        "fromWorker": schema_for!(worker::FromWorker),
        "toWorker": schema_for!(worker::ToWorker),
    });
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}
