//! The two tasks of an import: one reads and submits in order, one awaits the answers in that order.

use super::{
    Format,
    body::ChannelBody,
    csv::Head,
    line::{self, ImportLine},
    lines::{Line, MAX_LINE, Splitter},
};
use crate::{
    CommandState, Origin, Pending,
    asker::{Asker, reused},
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use edge::Problem;
use event_log::SubmitError;
use http_body_util::BodyExt as _;
use schemas::{Command, ItemId};
use serde_json::Value;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// How long a client may take over a line: a byte now and then would keep its connection for ever.
const LINE_WITHIN: Duration = Duration::from_secs(30);
/// Lines under way at once.
const WINDOW: usize = 256;
/// How long a line waits for its answer before it is told as unknown.
const WAIT: Duration = Duration::from_secs(30);
/// How long a line is offered again while the engine has no room.
const OFFER_FOR: Duration = Duration::from_secs(20);
/// How long to wait before offering a line again.
const OFFER_AGAIN: Duration = Duration::from_millis(5);

/// A line on its way to its result.
enum Started {
    /// Submitted.
    Pending { number: u64, item: ItemId, pending: Pending, derived: bool },
    /// Refused before.
    Told(Value),
}

/// Starts an import; its results come as the body.
pub(super) fn start(state: CommandState, asker: Asker, format: Format, body: Body) -> Body {
    let (started, begun) = mpsc::channel(WINDOW);
    let (results, received) = mpsc::channel(8);
    let trace_id = asker.trace.hex();
    let reader = Reader { state: state.clone(), asker, format, head: None, number: 0, started };
    tokio::spawn(reader.run(body));
    tokio::spawn(tell(state, trace_id, begun, results));
    Body::new(ChannelBody(received))
}

struct Reader {
    state: CommandState,
    asker: Asker,
    format: Format,
    head: Option<Head>,
    number: u64,
    started: mpsc::Sender<Started>,
}

/// The client is gone, or the file cannot be read further.
struct Ended;

impl Reader {
    async fn run(mut self, mut body: Body) {
        let mut splitter = Splitter::new(self.format == Format::Csv);
        let mut due = Instant::now() + LINE_WITHIN;
        loop {
            let chunk = match timeout_at(due, body.frame()).await {
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(Some(Err(_))) => {
                    let problem = Problem::bad_request("unreadable_body", "the body could not be read to its end");
                    return self.end(problem).await;
                }
                Ok(None) => break,
                Err(_) => {
                    let detail = format!("a line must come within {} s; this one did not", LINE_WITHIN.as_secs());
                    return self.end(Problem::new(StatusCode::REQUEST_TIMEOUT, "line_too_slow", detail)).await;
                }
            };
            let mut lines = Vec::new();
            splitter.push(&chunk, |line| lines.push(line));
            let is_slow = lines.is_empty();
            for line in lines {
                if self.take(line).await.is_err() {
                    return;
                }
            }
            if !is_slow {
                due = Instant::now() + LINE_WITHIN;
            }
        }
        if let Some(line) = splitter.finish() {
            let _ = self.take(line).await;
        }
    }

    /// Tells why nothing more is read.
    async fn end(mut self, problem: Problem) {
        self.number += 1;
        // It fails where the client is gone.
        let _ = self.refuse(None, problem).await;
    }

    async fn take(&mut self, line: Line) -> Result<(), Ended> {
        self.number += 1;
        let bytes = match line {
            Line::TooLong => {
                let detail = format!("a line has at most {MAX_LINE} bytes");
                return self.refuse(None, Problem::bad_request("line_too_long", detail)).await;
            }
            Line::Whole(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return Ok(()),
            Line::Whole(bytes) => bytes,
        };
        let parsed = match (self.format, &self.head) {
            (Format::Ndjson, _) => edge::body::read::<ImportLine>(&bytes),
            (Format::Csv, Some(head)) => {
                head.object(&bytes).and_then(|object| edge::body::read(&edge::body::canonical(&Value::Object(object))))
            }
            (Format::Csv, None) => match Head::read(&bytes) {
                Ok(head) => {
                    self.head = Some(head);
                    return Ok(());
                }
                Err(problem) => {
                    // Without a head no record can be understood.
                    self.refuse(None, problem).await?;
                    return Err(Ended);
                }
            },
        };
        let command = parsed.and_then(|body| line::command(&self.state, &self.asker, self.number, body));
        match command {
            Ok(line::LineCommand { item, command, derived }) => {
                self.submit(item.clone(), Command::Item { item, command }, derived).await
            }
            Err(problem) => self.refuse(None, problem).await,
        }
    }

    /// Submits a line, offering it again while there is no room: later lines wait behind it, so that order is kept.
    async fn submit(&mut self, item: ItemId, command: Command, derived: bool) -> Result<(), Ended> {
        // Room for the result first: what nobody can be told of is not begun.
        let Ok(place) = self.started.clone().reserve_owned().await else { return Err(Ended) };
        let origin = Origin {
            correlation: self.asker.trace.correlation(),
            traceparent: self.asker.trace.traceparent.clone(),
            wait: WAIT,
        };
        let give_up = Instant::now() + OFFER_FOR;
        let started = loop {
            match self.state.submitter.begin(self.asker.caller.clone(), command.clone(), origin.clone()) {
                Ok(pending) => break Started::Pending { number: self.number, item, pending, derived },
                Err(SubmitError::Full) if Instant::now() < give_up => tokio::time::sleep(OFFER_AGAIN).await,
                Err(error @ (SubmitError::Full | SubmitError::DiskReserve | SubmitError::Unavailable)) => {
                    let problem = self.state.submitter.not_taken(error);
                    break Started::Told(line::refused(self.number, Some(&item), problem, self.asker.trace.hex()));
                }
            }
        };
        place.send(started);
        Ok(())
    }

    async fn refuse(&mut self, item: Option<&ItemId>, problem: Problem) -> Result<(), Ended> {
        let told = line::refused(self.number, item, problem, self.asker.trace.hex());
        self.started.send(Started::Told(told)).await.map_err(|_| Ended)
    }
}

async fn tell(state: CommandState, trace_id: String, mut begun: mpsc::Receiver<Started>, results: mpsc::Sender<Bytes>) {
    while let Some(started) = begun.recv().await {
        let result = match started {
            Started::Told(result) => result,
            Started::Pending { number, item, pending, derived } => {
                let answer = state.submitter.answer(pending).await;
                let answer = if derived { answer.map_err(reused) } else { answer };
                let told = answer.and_then(|(reply, positions)| line::result(number, &item, reply, &positions));
                told.unwrap_or_else(|problem| line::refused(number, Some(&item), problem, trace_id.clone()))
            }
        };
        let mut text = result.to_string();
        text.push('\n');
        if results.send(Bytes::from(text)).await.is_err() {
            return;
        }
    }
}
