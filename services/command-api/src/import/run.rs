//! The tasks of an import: one reads and submits in order, one awaits the answers in that order, and one writes dead letters and
//! then results. Between them stand channels of few places: a line in at one end waits for one out at the other.

use super::{
    Format,
    body::ChannelBody,
    csv::Head,
    letter::{Letters, Original},
    line::{self, ImportLine},
    lines::{Line, MAX_LINE, Splitter},
    news::News,
    request::Import,
    tell::{self, Begun, Step},
};
use crate::{CommandState, Origin, asker::Asker};
use axum::{body::Body, http::StatusCode};
use edge::Problem;
use event_log::SubmitError;
use http_body_util::BodyExt as _;
use schemas::{Command, ItemId};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// How long a client may take over a line: a byte now and then would keep its connection for ever.
const LINE_WITHIN: Duration = Duration::from_secs(30);
/// Lines under way at once.
const WINDOW: usize = 256;
/// Results that wait for their dead letters.
const OUTCOMES: usize = 64;
/// How long a line waits for its answer before it is told as unknown.
pub(super) const WAIT: Duration = Duration::from_secs(30);
/// How long a line is offered again while the engine has no room.
const OFFER_FOR: Duration = Duration::from_secs(20);
/// How long to wait before offering a line again.
const OFFER_AGAIN: Duration = Duration::from_millis(5);

/// Starts an import; its results come as the body.
pub(super) fn start(state: CommandState, asker: Asker, import: Arc<Import>, body: Body) -> Body {
    let (begun, begins) = mpsc::channel(WINDOW);
    let (outcomes, told) = mpsc::channel(OUTCOMES);
    let (results, received) = mpsc::channel(8);
    let trace_id = asker.trace.hex();
    let letters = Letters { import: Arc::clone(&import), caller: asker.caller.clone() };
    let reader = Reader { state: state.clone(), asker, number: import.first - 1, import, head: None, begun };
    let log = Arc::clone(state.submitter.log());
    tokio::spawn(async move {
        let news = match reader.import.dry_run {
            true => None,
            false => tokio::task::spawn_blocking(move || News::since_now(&*log)).await.unwrap_or_default(),
        };
        tokio::spawn(tell::answers(state.clone(), letters, trace_id.clone(), news, begins, outcomes));
        tokio::spawn(tell::results(state, trace_id, told, results));
        reader.run(body).await;
    });
    Body::new(ChannelBody(received))
}

struct Reader {
    state: CommandState,
    asker: Asker,
    import: Arc<Import>,
    head: Option<(Head, Arc<str>)>,
    number: u64,
    begun: mpsc::Sender<Begun>,
}

/// The client is gone, or the file cannot be read further.
struct Ended;

impl Reader {
    async fn run(mut self, mut body: Body) {
        let mut splitter = Splitter::new(self.import.format == Format::Csv);
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
        let original = self.original(Vec::new(), 0);
        // It fails where the client is gone.
        let _ = self.begun.send(Begun { original, step: Step::Ended(problem) }).await;
    }

    fn original(&self, bytes: Vec<u8>, length: u64) -> Original {
        let head = self.head.as_ref().map(|(_, text)| Arc::clone(text));
        Original { number: self.number, bytes, length, head }
    }

    async fn take(&mut self, line: Line) -> Result<(), Ended> {
        if self.import.format == Format::Csv && self.head.is_none() && !line.is_blank() {
            return self.take_head(line).await;
        }
        self.number += 1;
        // What is empty is counted, as what is before the wanted part.
        if line.is_blank() || self.number < self.import.from {
            return Ok(());
        }
        let bytes = match line {
            Line::TooLong { beginning, bytes } => {
                let detail = format!("a line has at most {MAX_LINE} bytes");
                let original = self.original(beginning, bytes);
                return self.refuse(original, None, Problem::bad_request("line_too_long", detail)).await;
            }
            Line::Whole(bytes) => bytes,
        };
        let (parsed, item) = self.parse(&bytes);
        let original = self.original(bytes.clone(), bytes.len() as u64);
        let command = parsed.and_then(|body| line::command(&self.state, &self.asker, self.number, body));
        match command {
            Ok(line::LineCommand { item, .. }) if self.import.dry_run => {
                self.begin(original, Step::Checked { item }).await
            }
            Ok(line::LineCommand { item, command, derived }) => {
                self.submit(original, item.clone(), Command::Item { item, command }, derived).await
            }
            Err(problem) => self.refuse(original, item, problem).await,
        }
    }

    /// The head of CSV is counted before the body begins: a part of a file carries it too.
    async fn take_head(&mut self, line: Line) -> Result<(), Ended> {
        let head = match line {
            Line::Whole(bytes) => Head::read(&bytes).map(|head| (head, String::from_utf8_lossy(&bytes).into())),
            Line::TooLong { .. } => {
                Err(Problem::bad_request("line_too_long", format!("a line has at most {MAX_LINE} bytes")))
            }
        };
        match head {
            Ok(head) => {
                self.head = Some(head);
                Ok(())
            }
            Err(problem) => {
                // Without a head no record can be understood.
                let original = self.original(Vec::new(), 0);
                self.begin(original, Step::Ended(problem)).await?;
                Err(Ended)
            }
        }
    }

    /// The line as it is read, and of a bad one the item that it names, if that can be told.
    fn parse(&self, bytes: &[u8]) -> (Result<edge::JsonBody<ImportLine>, Problem>, Option<ItemId>) {
        let object;
        let json = match &self.head {
            None => bytes,
            Some((head, _)) => match head.object(bytes) {
                Ok(fields) => {
                    object = edge::body::canonical(&Value::Object(fields));
                    &object
                }
                Err(problem) => return (Err(problem), None),
            },
        };
        let parsed = edge::body::read::<ImportLine>(json);
        let item = match &parsed {
            Ok(body) => Some(body.content.item().clone()),
            Err(_) => line::item_of(json),
        };
        (parsed, item)
    }

    /// Submits a line, offering it again while there is no room: later lines wait behind it, so that order is kept.
    async fn submit(&mut self, original: Original, item: ItemId, command: Command, derived: bool) -> Result<(), Ended> {
        // Room for the result first: what nobody can be told of is not begun.
        let Ok(place) = self.begun.clone().reserve_owned().await else { return Err(Ended) };
        let origin = Origin {
            correlation: self.asker.trace.correlation(),
            traceparent: self.asker.trace.traceparent.clone(),
            wait: WAIT,
        };
        let give_up = Instant::now() + OFFER_FOR;
        let step = loop {
            match self.state.submitter.begin(self.asker.caller.clone(), command.clone(), origin.clone()) {
                Ok(pending) => break Step::Pending { item, pending, derived },
                Err(SubmitError::Full) if Instant::now() < give_up => tokio::time::sleep(OFFER_AGAIN).await,
                Err(error @ (SubmitError::Full | SubmitError::DiskReserve | SubmitError::Unavailable)) => {
                    let problem = self.state.submitter.not_taken(error);
                    break Step::Refused { item: Some(item), problem };
                }
            }
        };
        place.send(Begun { original, step });
        Ok(())
    }

    async fn refuse(&mut self, original: Original, item: Option<ItemId>, problem: Problem) -> Result<(), Ended> {
        self.begin(original, Step::Refused { item, problem }).await
    }

    async fn begin(&mut self, original: Original, step: Step) -> Result<(), Ended> {
        self.begun.send(Begun { original, step }).await.map_err(|_| Ended)
    }
}
