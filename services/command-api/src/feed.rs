//! `POST /supplier-events`: suppliers' events over HTTP, by CloudEvents' binding for it, into the topic of the feeds.
//!
//! They are checked here as the inbound service will check them, so that whoever sends learns of faults at once.

use crate::{CommandState, roles};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::{Authenticated, FieldError, Params, Problem, ProblemDocument, RawBody, Trace, openapi::IdSchema};
use event_log::{Headers, LogError, NewRecord};
use intake::{
    feed::{self, FeedError, MAX_EVENT_BYTES, Message, Mode, SupplierEvent},
    json,
};
use schemas::Topic;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// The media type of many events.
const BATCH: &str = "application/cloudevents-batch+json";
/// The media type of an event in structured mode.
const STRUCTURED: &str = "application/cloudevents+json";
/// The most events of a batch.
const MOST_EVENTS: usize = 1_000;

/// Requests that write at once: each takes a thread meanwhile. More of them wait.
static PLACES: Semaphore = Semaphore::const_new(64);

/// What was taken.
#[derive(Serialize, ToSchema)]
#[schema(as = SupplierEventsTaken)]
struct Taken {
    /// In the order of the request.
    events: Vec<TakenEvent>,
}

/// An event that is in the log, and not yet in the item.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TakenEvent {
    /// Its id.
    id: String,
    /// Whose word it is.
    source: String,
    /// Its number there.
    sequence: u64,
    /// What it is about.
    #[schema(value_type = IdSchema)]
    item_id: String,
    /// Where it stands.
    topic: &'static str,
    /// The partition there.
    partition: u32,
}

/// An event, and the record that carries it.
struct Checked {
    event: SupplierEvent,
    headers: Headers,
    value: Vec<u8>,
}

/// Publishes what a supplier's system says: CloudEvents 1.0 in binary mode (`ce-…` headers), in structured mode
/// (`application/cloudevents+json`), or up to 1,000 of them (`application/cloudevents-batch+json`).
///
/// 202 once they are durable in `supplier.items.v1`: they become commands of their items from there, in order. The same
/// `source` and `sequence` about an item again change nothing, so send them again when in doubt. Of a batch all events are
/// taken or none; pointers of faults begin with the event's place in it.
#[utoipa::path(post, path = "/v1/supplier-events", tag = "Items", operation_id = "publishSupplierEvents",
    request_body(content((Object = "application/cloudevents+json"), (Vec<Object> = "application/cloudevents-batch+json"),
        (Object = "application/json")), description = "An event, a batch of them, or in binary mode an event's data"),
    params(("ce-specversion" = Option<String>, Header, description = "Of binary mode, as the other `ce-…`: `1.0`"),
        ("ce-type" = Option<String>, Header, description = "Such as `stockfold.supplier.price-changed.v1`"),
        ("ce-source" = Option<String>, Header, description = "The supplier's system: a URI reference"),
        ("ce-id" = Option<String>, Header, description = "The event's id there"),
        ("ce-subject" = Option<String>, Header, description = "The item"),
        ("ce-time" = Option<String>, Header, description = "When it became so, RFC 3339"),
        ("ce-sequence" = Option<String>, Header, description = "Rises with every event of the source about the item")),
    responses((status = 202, body = Taken, description = "Durable; on its way to the items"),
        (status = "default", body = ProblemDocument)))]
pub(crate) async fn publish(
    State(state): State<CommandState>,
    Authenticated(caller): Authenticated,
    trace: Trace,
    params: Params,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    params.finish()?;
    roles::supplier_events(&caller)?;
    let mut checked = check(&headers, &body)?;
    let log = Arc::clone(state.submitter.log());
    log.writable().map_err(|error| state.submitter.not_taken(error))?;
    let mut events = Vec::with_capacity(checked.len());
    for Checked { event, headers, .. } in &mut checked {
        if let Some(traceparent) = &trace.traceparent {
            headers.push(("traceparent".to_owned(), traceparent.clone().into_bytes()));
        }
        events.push(TakenEvent {
            id: event.id.clone(),
            source: event.source.to_string(),
            sequence: event.sequence,
            item_id: event.item.to_string(),
            topic: Topic::SupplierItems.name(),
            partition: log.shards().of_key(event.item.as_str()).0,
        });
    }
    let record = |Checked { event, headers, value }| {
        let (topic, key) = (Topic::SupplierItems, event.item.to_string());
        NewRecord { topic, key, headers, value: Some(value) }
    };
    let records: Vec<NewRecord> = checked.into_iter().map(record).collect();
    let _place = PLACES.acquire().await.map_err(|closed| Problem::internal(&closed))?;
    let written = tokio::task::spawn_blocking(move || log.publish(records)).await;
    match written.map_err(|error| Problem::internal(&error))? {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(Taken { events })).into_response()),
        Err(LogError::Unavailable(cause)) => {
            tracing::warn!(cause, "suppliers' events may not have been written");
            let told = "it is not known whether the events were written; send them again, they take effect once";
            Err(Problem::unavailable("log_unavailable", told).unknown())
        }
        Err(error) => Err(Problem::internal(&error)),
    }
}

/// The events of a request: all of them, or what is wrong with any.
fn check(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Checked>, Problem> {
    let content_type = only_content_type(headers)?;
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(BATCH) {
        return batch(body);
    }
    let attributes = || {
        headers.iter().filter_map(|(name, value)| {
            name.as_str().strip_prefix("ce-").map(|attribute| (attribute, feed::decoded(value.as_bytes())))
        })
    };
    let message = Message::of_request(content_type, attributes(), body);
    let event = feed::read(&message, None).map_err(problem)?;
    let mut headers: Headers = Vec::new();
    if let Some(content_type) = content_type {
        headers.push(("content-type".to_owned(), content_type.as_bytes().to_vec()));
    }
    if message.mode().map_err(problem)? == Mode::Binary {
        let known = attributes().filter_map(|(name, value)| Some((format!("ce_{name}"), value?.into_bytes())));
        headers.extend(known);
    }
    Ok(vec![Checked { event, headers, value: body.to_vec() }])
}

fn only_content_type(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut sent = headers.get_all(header::CONTENT_TYPE).iter();
    let first = sent.next().map(|value| value.to_str());
    match (first, sent.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        (Some(_), _) => Err(Problem::bad_request("invalid_content_type", "a Content-Type is visible ASCII, sent once")),
    }
}

fn batch(body: &[u8]) -> Result<Vec<Checked>, Problem> {
    let document = json::parse(body).map_err(|fault| problem(FeedError::InvalidJson(fault.detail)))?;
    let Value::Array(documents) = document else {
        return Err(Problem::bad_request("not_a_batch", "a batch is a JSON list of events"));
    };
    if documents.is_empty() || documents.len() > MOST_EVENTS {
        return Err(Problem::bad_request("not_a_batch", format!("a batch has 1 to {MOST_EVENTS} events")));
    }
    let (mut checked, mut faults) = (Vec::with_capacity(documents.len()), Vec::new());
    for (at, document) in documents.into_iter().enumerate() {
        // As it will be read again.
        let value = json::canonical(&document);
        match feed::read_document(document) {
            Ok(event) => {
                let headers = vec![("content-type".to_owned(), STRUCTURED.as_bytes().to_vec())];
                checked.push(Checked { event, headers, value });
            }
            Err(FeedError::Faults(found)) => {
                let inside = |fault: FieldError| FieldError { pointer: format!("/{at}{}", fault.pointer), ..fault };
                faults.extend(found.into_iter().map(inside));
            }
            Err(error) => {
                let (pointer, code) = (format!("/{at}"), error.code().into());
                faults.push(FieldError { pointer, code, detail: error.to_string() });
            }
        }
    }
    if faults.is_empty() {
        return Ok(checked);
    }
    faults.truncate(intake::fields::MAX_FAULTS);
    Err(Problem::faults("invalid_events", faults))
}

fn problem(error: FeedError) -> Problem {
    let (code, detail) = (error.code(), error.to_string());
    match error {
        FeedError::Faults(faults) => Problem::faults(code, faults),
        FeedError::UnsupportedContentType(_) => Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail)
            .header_text(header::ACCEPT, &format!("application/json, {STRUCTURED}, {BATCH}")),
        FeedError::TooLarge { .. } => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code, detail).with("limitBytes", MAX_EVENT_BYTES)
        }
        FeedError::Tombstone
        | FeedError::NotACloudEvent(_)
        | FeedError::UnsupportedSpecVersion(_)
        | FeedError::InvalidJson(_) => Problem::bad_request(code, detail),
    }
}
