//! Reads a topic of a running engine's log over HTTP, line by line, and goes on where it was when the connection is lost.

use crate::remote::{self, Backoff, Remote};
use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use schemas::{Position, PositionToken, Topic};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

/// What is read.
#[derive(Debug, Clone)]
pub struct Query {
    /// The topic.
    pub topic: Topic,
    /// One partition; all where it is `None`.
    pub partition: Option<u32>,
    /// One key.
    pub key: Option<String>,
    /// One type.
    pub event_type: Option<String>,
    /// Whether it goes on at the end.
    pub follow: bool,
    /// How long to go on asking while nothing comes; `None` = for ever.
    pub patience: Option<Duration>,
}

/// Where reading goes on.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// After these.
    pub after: PositionToken,
    /// Whether other partitions are read from their end.
    pub else_end: bool,
}

impl Places {
    /// As the parameter `from` says it.
    fn text(&self) -> String {
        match (self.else_end, self.after.is_empty()) {
            (false, true) => "beginning".to_owned(),
            (false, false) => self.after.to_string(),
            (true, true) => "end".to_owned(),
            (true, false) => format!("end~{}", self.after),
        }
    }
}

/// An event as a line tells it: the attributes of CloudEvents, and the data as it was written.
#[derive(Debug, Deserialize)]
pub struct Line<'a> {
    /// Its place.
    pub id: Position,
    /// `specversion`.
    #[serde(borrow)]
    pub specversion: Cow<'a, str>,
    /// `source`.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// `type`.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    /// `subject`: the key.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// `time`; a dead letter has none.
    #[serde(borrow, default)]
    pub time: Option<Cow<'a, str>>,
    /// `datacontenttype`.
    #[serde(borrow)]
    pub datacontenttype: Cow<'a, str>,
    /// `dataschema`.
    #[serde(borrow, default)]
    pub dataschema: Option<Cow<'a, str>>,
    /// `sequence`.
    #[serde(borrow)]
    pub sequence: Cow<'a, str>,
    /// `epoch`.
    pub epoch: Option<i64>,
    /// `actor`.
    #[serde(borrow, default)]
    pub actor: Option<Cow<'a, str>>,
    /// `causationid`.
    #[serde(borrow, default)]
    pub causationid: Option<Cow<'a, str>>,
    /// `correlationid`.
    #[serde(borrow, default)]
    pub correlationid: Option<Cow<'a, str>>,
    /// `traceparent`.
    #[serde(borrow, default)]
    pub traceparent: Option<Cow<'a, str>>,
    /// `data`, as it was written.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

/// Reads on from `places`, which moves along, and gives each line to `each`; ends at the end of the log, unless it follows.
/// Answers how many partitions the topic has.
pub async fn read(
    remote: &Remote,
    query: &Query,
    places: &mut Places,
    each: &mut dyn FnMut(&[u8], &Line<'_>) -> Result<()>,
) -> Result<u32> {
    let mut backoff = Backoff::default();
    let mut since = Instant::now();
    loop {
        let before = places.after.clone();
        let why = match once(remote, query, places, each).await? {
            Ok(partitions) => return Ok(partitions),
            Err(why) => why,
        };
        if places.after != before {
            backoff.reset();
            since = Instant::now();
        }
        if query.patience.is_some_and(|patience| since.elapsed() > patience) {
            bail!("{}: nothing came for {} s: {why}", query.topic, since.elapsed().as_secs());
        }
        tracing::info!(%why, "the connection is made again");
        tokio::time::sleep(backoff.next()).await;
    }
}

/// One connection: the partitions, or why it ended early.
async fn once(
    remote: &Remote,
    query: &Query,
    places: &mut Places,
    each: &mut dyn FnMut(&[u8], &Line<'_>) -> Result<()>,
) -> Result<Result<u32, String>> {
    let mut pairs = vec![("from", places.text()), ("follow", query.follow.to_string())];
    pairs.extend(query.partition.map(|partition| ("partition", partition.to_string())));
    pairs.extend(query.key.clone().map(|key| ("key", key)));
    pairs.extend(query.event_type.clone().map(|event_type| ("type", event_type)));
    let path = format!("/v1/log/{}", query.topic);
    let request = remote.request(Method::GET, &remote::with_query(&path, &pairs)?)?;
    let lost = |error: reqwest::Error| format!("{:#}", anyhow::Error::new(error));
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(lost(error))),
    };
    if remote::is_passing(answer.status()) {
        return Ok(Err(remote::refusal(answer).await));
    }
    if !answer.status().is_success() {
        bail!("{}", remote::refusal(answer).await);
    }
    let partitions = answer.headers().get("stockfold-partitions").and_then(|value| value.to_str().ok()?.parse().ok());
    let partitions = partitions.context("the engine does not say how many partitions there are")?;
    let mut rest = Vec::new();
    loop {
        let chunk = match answer.chunk().await {
            Ok(Some(chunk)) => chunk,
            // A stream that follows ends with the engine only.
            Ok(None) if query.follow => return Ok(Err("the stream ended".to_owned())),
            Ok(None) => return Ok(Ok(partitions)),
            Err(error) => return Ok(Err(lost(error))),
        };
        rest.extend_from_slice(&chunk);
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for text in rest[..whole].split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
            let line: Line<'_> = serde_json::from_slice(text).context("a line of the log is no event")?;
            each(text, &line)?;
            places.after.add(line.id);
        }
        rest.drain(..whole);
    }
}

/// A topic by its name, among those that the engine serves.
pub fn topic(name: &str) -> Result<Topic, String> {
    Topic::from_name(name).ok_or_else(|| "is no topic, such as inventory.events.v1 or dead-letters.v1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_says_what_was_seen_and_where_else_to_begin() {
        let mut places = Places::default();
        assert_eq!(places.text(), "beginning");
        places.else_end = true;
        assert_eq!(places.text(), "end");
        places.after.add(Position { topic: Topic::OrdersEvents, partition: 2, seq: 7 });
        assert_eq!(places.text(), "end~orders.events.v1/2@7");
        places.else_end = false;
        assert_eq!(places.text(), "orders.events.v1/2@7");
    }
}
