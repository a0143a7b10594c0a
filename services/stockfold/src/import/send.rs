//! Sends lines and takes their results, over as many connections as it needs.
//!
//! What was sent and not answered is kept, so that it goes first over the next connection: under the same import id and the same
//! numbers, so that nothing is done twice.

use super::{
    journal::Tally,
    source::{Format, Numbered, Piece},
};
use crate::remote::{self, Backoff, Remote};
use anyhow::{Context as _, Result, bail};
use reqwest::{Body, Method};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::VecDeque,
    pin::pin,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Bytes that are under way at most, beside the last batch.
const WINDOW: usize = 1 << 20;
/// After so long without a new line the connection is ended, as the engine would end it a little later.
const IDLE: Duration = Duration::from_secs(10);

/// What is sent.
pub struct Sending<'a> {
    /// To whom.
    pub remote: &'a Remote,
    /// The import's id.
    pub import: &'a str,
    /// What the file is called.
    pub file: &'a str,
    /// Its format.
    pub format: Format,
    /// Whether lines are checked only.
    pub dry_run: bool,
    /// How long to go on asking while nothing is answered; `None` = for ever.
    pub patience: Option<Duration>,
}

/// The engine does not let this caller import, whatever the file holds.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Denied(String);

/// A result, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineResult {
    /// The line.
    pub line: u64,
    /// The HTTP status.
    pub status: u16,
    /// Whether anything changed, where that is known.
    pub changed: Option<bool>,
    /// Whether it is none, but tells why the import ended.
    #[serde(default)]
    pub ended: bool,
    /// Why it was refused.
    pub problem: Option<Value>,
}

impl LineResult {
    fn code(&self) -> &str {
        self.problem.as_ref().and_then(|problem| problem["code"].as_str()).unwrap_or_default()
    }

    fn says(&self) -> String {
        let detail = self.problem.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or_default();
        format!("{} {}: {detail}", self.status, self.code())
    }

    /// Whether the same line again can get another answer.
    fn is_passing(&self) -> bool {
        let problem = self.problem.as_ref();
        problem.is_some_and(|problem| problem["retryable"] == true || problem["outcome"] == "unknown")
            || matches!(self.code(), "line_too_slow" | "unreadable_body")
    }
}

/// Hears of each line that was answered for good, in order: the line, and its result.
pub trait Answered {
    /// A line was answered. `tally` counts it.
    fn line(&mut self, line: &Numbered, result: &LineResult, tally: Tally) -> Result<()>;
}

/// How a connection ended.
enum End {
    /// All lines so far were answered.
    Through,
    /// Not all: why.
    Broken(String),
}

/// The lines under way.
#[derive(Default)]
struct Flight {
    lines: VecDeque<Numbered>,
    bytes: usize,
    /// Whether the file has no more.
    is_last: bool,
    head: Vec<u8>,
}

impl Flight {
    fn take(&mut self, piece: Option<Piece>) -> Result<Option<Vec<u8>>> {
        match piece {
            None => self.is_last = true,
            Some(Piece::Head(head)) => self.head = head,
            Some(Piece::Failed(error)) => return Err(error).context("the file cannot be read further"),
            Some(Piece::Lines(lines)) => {
                let bytes: Vec<u8> = lines.iter().flat_map(|line| line.bytes.iter().copied()).collect();
                self.bytes += bytes.len();
                self.lines.extend(lines);
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The line of that number; empty ones before it are done with. `None` where it is not the next.
    fn land(&mut self, number: u64) -> Option<Numbered> {
        while let Some(line) = self.lines.pop_front() {
            self.bytes -= line.bytes.len();
            if line.number == number {
                return Some(line);
            }
            if !line.is_blank {
                return None;
            }
        }
        None
    }

    /// Forgets empty lines in front, for which nobody answers.
    fn pass_blanks(&mut self) {
        while let Some(line) = self.lines.pop_front_if(|line| line.is_blank) {
            self.bytes -= line.bytes.len();
        }
    }
}

/// Sends all lines behind those of `tally`, and answers what became of all.
pub async fn send(
    sending: &Sending<'_>,
    mut source: mpsc::Receiver<Piece>,
    mut tally: Tally,
    answered: &mut dyn Answered,
) -> Result<Tally> {
    let mut flight = Flight::default();
    let mut backoff = Backoff::default();
    let mut since = Instant::now();
    loop {
        flight.pass_blanks();
        while flight.lines.is_empty() && !flight.is_last {
            let piece = source.recv().await;
            flight.take(piece)?;
            since = Instant::now();
        }
        if flight.lines.is_empty() {
            return Ok(tally);
        }
        let before = tally.lines;
        let end = connection(sending, &mut source, &mut flight, &mut tally, answered).await?;
        if tally.lines > before {
            backoff.reset();
            since = Instant::now();
        }
        let End::Broken(why) = end else { continue };
        if sending.patience.is_some_and(|patience| since.elapsed() > patience) {
            bail!(
                "no line was answered for {} s: {why}; the same command goes on from there",
                since.elapsed().as_secs()
            );
        }
        tracing::info!(why, line = flight.lines.front().map(|line| line.number), "the rest is sent again");
        tokio::time::sleep(backoff.next()).await;
    }
}

/// One request: what is under way, then what comes.
async fn connection(
    sending: &Sending<'_>,
    source: &mut mpsc::Receiver<Piece>,
    flight: &mut Flight,
    tally: &mut Tally,
    answered: &mut dyn Answered,
) -> Result<End> {
    let first = flight.lines.front().map_or(1, |line| line.number);
    let mut begin = flight.head.clone();
    flight.lines.iter().for_each(|line| begin.extend_from_slice(&line.bytes));
    let mut outgoing = Some(begin);
    let (body, chunks) = mpsc::channel::<Vec<u8>>(2);
    let mut body = Some(body);
    let path = if sending.dry_run { "/v1/items:import?dryRun=true" } else { "/v1/items:import" };
    let request = sending.remote.request(Method::POST, path)?;
    let request = request
        .header("Idempotency-Key", sending.import)
        .header("Content-Type", sending.format.media_type())
        .header("Stockfold-Import-File", sending.file)
        .header("Stockfold-Import-First", first.to_string())
        .body(Body::wrap(Chunks(chunks)));
    let mut asked = pin!(request.send());
    let mut answer = None;
    let mut results = Results::default();
    loop {
        let idle = outgoing.is_none() && body.is_some();
        let may_read = idle && !flight.is_last && flight.bytes < WINDOW;
        if idle && flight.is_last {
            // The end of the body: the engine answers the rest, and ends too.
            body = None;
            continue;
        }
        let mut place = None;
        tokio::select! {
            sent = &mut asked, if answer.is_none() => match sent {
                Ok(got) if got.status().is_success() => answer = Some(got),
                Ok(got) if remote::is_passing(got.status()) => return Ok(End::Broken(remote::refusal(got).await)),
                Ok(got) => return Err(Denied(remote::refusal(got).await).into()),
                Err(error) => return Ok(End::Broken(format!("{:#}", anyhow::Error::new(error)))),
            },
            piece = source.recv(), if may_read => outgoing = flight.take(piece)?,
            () = tokio::time::sleep(IDLE), if may_read => body = None,
            granted = reserve(&mut body), if outgoing.is_some() && body.is_some() => place = granted,
            chunk = next(&mut answer) => match chunk {
                Ok(Some(bytes)) => {
                    if let Some(why) = results.take(&bytes, flight, tally, answered)? {
                        return Ok(End::Broken(why));
                    }
                }
                Ok(None) => {
                    flight.pass_blanks();
                    let is_all = flight.lines.is_empty();
                    return Ok(if is_all { End::Through } else { End::Broken("the answer ended early".to_owned()) });
                }
                Err(error) => return Ok(End::Broken(format!("{:#}", anyhow::Error::new(error)))),
            },
        }
        match (place, outgoing.take()) {
            (Some(place), Some(bytes)) => drop(place.send(bytes)),
            (_, bytes) => outgoing = bytes,
        }
    }
}

/// Room for a chunk of the body; `None` where nobody reads it any more: the answer tells why.
async fn reserve(body: &mut Option<mpsc::Sender<Vec<u8>>>) -> Option<mpsc::OwnedPermit<Vec<u8>>> {
    let sender = body.clone()?;
    if let Ok(place) = sender.reserve_owned().await {
        return Some(place);
    }
    *body = None;
    None
}

/// The next bytes of the answer, once there is one.
async fn next(answer: &mut Option<reqwest::Response>) -> reqwest::Result<Option<Vec<u8>>> {
    match answer {
        Some(answer) => Ok(answer.chunk().await?.map(Vec::from)),
        None => std::future::pending().await,
    }
}

/// The bytes of results that are not a whole line yet.
#[derive(Default)]
struct Results(Vec<u8>);

impl Results {
    /// Takes bytes of the answer. Answers why the connection is to be given up, if it is.
    fn take(
        &mut self,
        bytes: &[u8],
        flight: &mut Flight,
        tally: &mut Tally,
        answered: &mut dyn Answered,
    ) -> Result<Option<String>> {
        self.0.extend_from_slice(bytes);
        let whole = self.0.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for text in self.0[..whole].split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
            let result: LineResult = serde_json::from_slice(text)
                .with_context(|| format!("no result: {}", String::from_utf8_lossy(text)))?;
            if result.is_passing() {
                return Ok(Some(result.says()));
            }
            if result.ended {
                bail!("{}", result.says());
            }
            let Some(line) = flight.land(result.line) else {
                bail!("the engine answered line {}, which was not the next", result.line);
            };
            tally.lines += 1;
            match (result.status, result.changed) {
                (400.., _) => tally.refused += 1,
                (_, Some(false)) => tally.already += 1,
                (_, Some(true) | None) => tally.applied += 1,
            }
            answered.line(&line, &result, *tally)?;
        }
        self.0.drain(..whole);
        Ok(None)
    }
}

/// A request's body that is fed from a channel.
struct Chunks(mpsc::Receiver<Vec<u8>>);

impl hyper::body::Body for Chunks {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(hyper::body::Frame::data(bytes.into()))))
    }
}
