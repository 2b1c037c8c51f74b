//! What anybody may ask: whether the portal answers, and the document of the API.

use std::sync::OnceLock;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    document::{self, Document},
    fault::Answered,
    reply::Found,
    route::{Route, get},
};

/// Says nothing but that the portal answers.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/health", "health.get", "Whether the portal answers", health).public(),
        get("/openapi.json", "openapi.get", "This document", openapi).public(),
    ]
}

async fn health() -> Answered<Found<Health>> {
    Ok(Found::of(&Health { status: "ok" }))
}

async fn openapi() -> Answered<Found<Document>> {
    static WRITTEN: OnceLock<Document> = OnceLock::new();
    Ok(Found::of(WRITTEN.get_or_init(|| document::of(&super::all()))))
}
