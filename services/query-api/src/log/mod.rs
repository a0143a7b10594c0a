//! The log over HTTP: what an analytics consumer uses where there is no Kafka.

mod cloud_event;
mod stream;
mod tail;

use crate::QueryState;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use cloud_event::Format;
use edge::{Authenticated, Params, PathIds, Problem, ProblemDocument, require};
use event_log::{LogError, Record};
use schemas::{ParseError, PositionToken, Role, Topic};
use tail::{Tail, Wanted};

/// The topics that are served: what happened, what could not be decided, and how things stand.
const SERVED: [Topic; 12] = [
    Topic::InventoryEvents,
    Topic::OrdersEvents,
    Topic::CartsEvents,
    Topic::StoresEvents,
    Topic::WarehousesEvents,
    Topic::DropsEvents,
    Topic::FollowsEvents,
    Topic::ShoppersEvents,
    Topic::DeadLetters,
    Topic::ItemsState,
    Topic::StockState,
    Topic::OrdersState,
];

/// The response header that says how many partitions the topic has.
const PARTITIONS: HeaderName = HeaderName::from_static("stockfold-partitions");

/// The number of a record in its partition, from 1, by which its place is told; nothing for what is not served.
fn seq(record: &Record) -> Option<u64> {
    match &record.envelope {
        Some(envelope) => Some(envelope.seq),
        // Nobody numbers these: their offset rises as well, though not by one on every log.
        None if SERVED.contains(&record.topic) => Some(record.offset + 1),
        None => None,
    }
}

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    /// At the first event that is kept.
    Beginning,
    /// At what comes next.
    End,
    /// After this seq of the one partition.
    Seq(u64),
    /// After these positions; partitions that it does not name from their beginning.
    Positions(PositionToken),
    /// After these positions; partitions that it does not name from their end.
    PositionsOrEnd(PositionToken),
}

impl From {
    fn parse(text: &str) -> Result<Self, ParseError> {
        match text {
            "beginning" => Ok(Self::Beginning),
            "end" => Ok(Self::End),
            _ => match text.parse() {
                Ok(seq) => Ok(Self::Seq(seq)),
                Err(_) => match text.strip_prefix("end~") {
                    Some(rest) => PositionToken::parse(rest).map(Self::PositionsOrEnd),
                    None => PositionToken::parse(text).map(Self::Positions),
                },
            },
        }
    }
}

/// Events of a topic, in the order of their partitions, as CloudEvents: one JSON object a line, or server-sent events.
///
/// Dead letters are what could not be decided: the reason, and the command or what was due, as `data` of the type
/// `stockfold.dead-letter.v1`. They have no time, actor or epoch of their own, and their sequence may skip numbers. The state
/// topics hold the newest row of each key (`data` is null where it is gone) and forget older ones; their `sequence` is that of
/// the last event in the row, and their `id` tells their place in the topic.
///
/// It follows the tail until the client goes away. To resume, pass the ids of the last events seen, joined by `~`, as
/// `from`; server-sent events resume by `Last-Event-ID`.
#[utoipa::path(get, path = "/v1/log/{topic}", tag = "Operations", operation_id = "readLog",
    params(
        ("topic" = String, Path, description = "`inventory.events.v1`, `orders.events.v1`, `carts.events.v1`, `stores.events.v1`, \
            `warehouses.events.v1`, `drops.events.v1`, `follows.events.v1`, `shoppers.events.v1`, `dead-letters.v1`, `items.state.v1`, \
            `stock.state.v1` or `orders.state.v1`."),
        ("partition" = Option<u32>, Query, description = "Only this partition."),
        ("from" = Option<String>, Query, description = "`beginning` (which is the default), `end`, ids of events joined by `~`, or a sequence number of the one partition: what comes after. Partitions that the ids do not name are read from their beginning, with `end~` in front from their end."),
        ("key" = Option<String>, Query, description = "Only what is of this key: an item, an order, …"),
        ("type" = Option<String>, Query, description = "Only what has this `type`."),
        ("follow" = Option<bool>, Query, description = "`false` ends at what is the end when the request comes."),
        ("Last-Event-ID" = Option<String>, Header, description = "Of a server-sent event: goes before `from`."),
    ),
    responses(
        (status = 200, description = "CloudEvents 1.0 in JSON.",
            headers(("Stockfold-Partitions" = u32, description = "How many partitions the topic has.")),
            content((String = "application/x-ndjson"), (String = "text/event-stream"))),
        (status = "default", body = ProblemDocument)),
    security(("bearer" = [])))]
pub(crate) async fn tail(
    State(state): State<QueryState>,
    Authenticated(caller): Authenticated,
    PathIds(topic): PathIds<String>,
    mut params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    require(&caller, &[Role::Analyst, Role::Operator])?;
    let topic = Topic::from_name(&topic).filter(|topic| SERVED.contains(topic)).ok_or_else(|| {
        let names = SERVED.map(Topic::name).join(", ");
        Problem::not_found("unknown_topic", format!("the topics are {names}"))
    })?;
    let shards = state.log.shards().get();
    let partition = params.parsed("partition", "out_of_range", |text| match text.parse::<u32>() {
        Ok(partition) if partition < shards => Ok(partition),
        Ok(_) | Err(_) => Err(format!("must be a whole number below {shards}")),
    });
    let mut from = params.parsed("from", "invalid_position", From::parse).unwrap_or(From::Beginning);
    let follow = params.flag("follow").unwrap_or(true);
    let wanted = Wanted { key: params.raw("key"), record_type: params.raw("type") };
    if matches!(from, From::Seq(_)) && partition.is_none() {
        params.fault::<()>("from", "invalid_position", "a sequence number needs a partition");
    }
    params.finish()?;
    let format = format(&headers);
    if let Some(token) = last_event_id(&headers, format)? {
        from = From::Positions(token);
    }
    let partitions: Vec<u32> = partition.map_or_else(|| (0..shards).collect(), |one| vec![one]);
    let after = after(topic, &partitions, &from)?;
    let Ok(permit) = std::sync::Arc::clone(&state.streams).try_acquire_owned() else {
        return Err(Problem::unavailable("too_many_streams", "too many streams of the log are open"));
    };
    let (tail, body) = Tail::new(&state, topic, after, wanted, format, follow);
    // Reading the log blocks, and a stream may last for days: it has a thread of its own while it lasts.
    tokio::task::spawn_blocking(move || {
        tail.run();
        drop(permit);
    });
    let kind = match format {
        Format::Lines => "application/x-ndjson",
        Format::Sse => "text/event-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PARTITIONS, HeaderValue::from(shards)),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn format(headers: &HeaderMap) -> Format {
    let accepts_sse = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.split(',').any(|one| one.trim().starts_with("text/event-stream")));
    if accepts_sse { Format::Sse } else { Format::Lines }
}

fn last_event_id(headers: &HeaderMap, format: Format) -> Result<Option<PositionToken>, Problem> {
    let Some(value) = headers.get("last-event-id").filter(|_| format == Format::Sse) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| PositionToken::parse(text).ok());
    token.map(Some).ok_or_else(|| {
        Problem::bad_request("invalid_position", "Last-Event-ID takes the id of an event of this stream")
    })
}

/// After which seq each partition is read; none = only what comes next.
fn after(topic: Topic, partitions: &[u32], from: &From) -> Result<Vec<(u32, Option<u64>)>, Problem> {
    if let From::Positions(token) | From::PositionsOrEnd(token) = from
        && !token.positions().all(|at| at.topic == topic && partitions.contains(&at.partition))
    {
        return Err(Problem::bad_request("invalid_position", "`from` names another topic or partition than is read"));
    }
    let seq = |partition: u32| match from {
        From::Beginning => Some(0),
        From::End => None,
        From::Seq(seq) => Some(*seq),
        From::Positions(token) => Some(token.positions().find(|at| at.partition == partition).map_or(0, |at| at.seq)),
        From::PositionsOrEnd(token) => token.positions().find(|at| at.partition == partition).map(|at| at.seq),
    };
    Ok(partitions.iter().map(|&partition| (partition, seq(partition))).collect())
}

/// What a fault of the log ends a stream with.
fn log_fault(fault: &LogError) -> std::io::Error {
    tracing::warn!(%fault, "a stream of the log ended");
    std::io::Error::other(fault.to_string())
}
