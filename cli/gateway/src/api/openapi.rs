//! `GET /openapi.json`: the routes, described by the types that they take and answer (OpenAPI 3.1).

use axum::Json;
use rr_protocol::gateway::{Allocate, Allocated, ApiError, Health, SessionView, WorkerView};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

pub(super) async fn document() -> Json<Value> {
    Json(make())
}

/// The document. Schemas that several routes have stand once, under `components`.
fn make() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut schemas = settings.into_generator();
    let error = content::<ApiError>(&mut schemas, "What is wrong, in words.");
    // Every route may be asked too often, or find the database gone.
    let with_errors = |codes: &[&str], mut responses: Value| {
        for code in codes.iter().chain(&["429", "503"]) {
            responses[*code] = error.clone();
        }
        responses
    };
    let mut get = |summary: &str, codes: &[&str], ok: fn(&mut SchemaGenerator) -> Value, signed: bool| {
        let security = if signed { json!([{ "user": [] }]) } else { json!([]) };
        json!({ "get": { "summary": summary, "security": security, "responses": with_errors(codes, json!({ "200": ok(&mut schemas) })) } })
    };
    let health = get("Whether this replica can do its work.", &[], |s| content::<Health>(s, "It can."), false);
    let denied = ["401", "403"];
    let workers = get("All workers; for administrators.", &denied, |s| content::<Vec<WorkerView>>(s, "They."), true);
    let sessions =
        get("One's own sessions; all for administrators.", &denied, |s| content::<Vec<SessionView>>(s, "They."), true);
    let text = json!({ "200": { "description": "Prometheus' text format.", "content": { "text/plain": { "schema": { "type": "string" } } } } });
    let allocate = json!({ "post": {
        "summary": "Begins a session, and answers with the link to it.",
        "security": [{ "user": [] }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": schemas.subschema_for::<Allocate>() } } },
        "responses": with_errors(
            &["400", "401", "403", "409", "413", "415", "422"],
            json!({ "201": content::<Allocated>(&mut schemas, "It has begun, or waits.") }),
        ),
    } });
    let drain = json!({ "post": {
        "summary": "Lets a worker finish: no more sessions, and those that it has move; for administrators.",
        "security": [{ "user": [] }],
        "parameters": [{ "name": "worker", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }],
        "responses": with_errors(&["400", "401", "403", "404"], json!({ "204": { "description": "It will." } })),
    } });
    let revoke = json!({ "delete": {
        "summary": "Cuts a worker off for good: its certificates are revoked, and its sessions move; for administrators.",
        "security": [{ "user": [] }],
        "parameters": [{ "name": "worker", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }],
        "responses": with_errors(&["400", "401", "403", "404"], json!({ "204": { "description": "It is." } })),
    } });
    let metrics = json!({ "get": { "summary": "Figures.", "security": [], "responses": with_errors(&[], text) } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Remote Render gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sessions on workers, for users with signed tokens.",
        },
        "paths": {
            "/health": health,
            "/metrics": metrics,
            "/allocate": allocate,
            "/workers": workers,
            "/workers/{worker}": revoke,
            "/workers/{worker}/drain": drain,
            "/sessions": sessions,
        },
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": { "user": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

fn content<T: JsonSchema>(schemas: &mut SchemaGenerator, description: &str) -> Value {
    let schema = schemas.subschema_for::<T>();
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}
