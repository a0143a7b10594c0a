//! Answers, and what tells two of them apart.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Headers that differ from answer to answer and say nothing of what was asked for.
const OF_THE_ANSWER: [&str; 2] = ["date", "trace-id"];

/// The header that tells how far the log went.
const POSITION: &str = "stockfold-position";

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names, and the values of each in the order sent.
    pub headers: BTreeMap<String, Vec<String>>,
    /// JSON where it is JSON, else text.
    pub body: Value,
}

impl Answer {
    pub fn new(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut named = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in headers {
            named.entry(name.to_string()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        let body = serde_json::from_slice(body).unwrap_or_else(|_| json!(String::from_utf8_lossy(body)));
        Self { status, headers: named, body }
    }

    /// Whether it is done: also by changing to another protocol.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 101
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// What is wrong with it as a refusal: it must be a problem of a status below 500 with a code, or none at all (2xx, 3xx).
    pub fn fault(&self) -> Option<String> {
        if self.status >= 500 {
            return Some(format!("a fault of the server: {self:?}"));
        }
        if self.status < 400 {
            return None;
        }
        let is_problem = self.header("content-type") == "application/problem+json"
            && self.body["status"] == json!(self.status)
            && !self.code().is_empty()
            && ["type", "title", "detail", "retryable", "outcome", "traceId"]
                .iter()
                .all(|field| self.body.get(field).is_some_and(|value| !value.is_null()));
        (!is_problem).then(|| format!("no problem of the contract: {self:?}"))
    }

    /// The answer of the one line of an import, as the call that the line stands for would have given it.
    pub fn of_line(mut self) -> Self {
        if !self.is_success() {
            return self;
        }
        self.status = self.body["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        let told = if self.status < 400 { "result" } else { "problem" };
        self.body = self.body[told].take();
        self
    }

    /// It without what differs each time, each of the ids written as the same sign.
    fn plain(&self, ids: &[&str]) -> Self {
        let sign = |text: String| ids.iter().fold(text, |text, id| text.replace(id, "<id>"));
        let mut body = self.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("traceId");
        }
        let headers = self.headers.iter().filter(|(name, _)| !OF_THE_ANSWER.contains(&name.as_str()));
        let plain = headers.map(|(name, values)| {
            // Where the two stand in the log says nothing; that one stands there does.
            let values = if name == POSITION { vec!["<position>".to_owned()] } else { values.clone() };
            (name.clone(), values.into_iter().map(sign).collect())
        });
        Self {
            status: self.status,
            headers: plain.collect(),
            body: serde_json::from_str(&sign(body.to_string())).expect("an id is no part of JSON's syntax"),
        }
    }
}

/// What tells an answer about something from the answer about nothing, apart from the ids that were asked for and the
/// trace; nothing where they are alike.
pub fn difference(something: (&Answer, &[&str]), nothing: (&Answer, &[&str])) -> Option<String> {
    let (found, expected) = (something.0.plain(something.1), nothing.0.plain(nothing.1));
    (found != expected).then(|| format!("{found:?}\nbut of what does not exist\n{expected:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(id: &str) -> Answer {
        let headers = [("content-type", "application/problem+json"), ("date", "today"), ("trace-id", id)];
        let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
        let body = json!({"type": "urn:x", "title": "No", "status": 404, "code": "order_not_found", "detail": "no such order",
            "retryable": false, "outcome": "refused", "traceId": id, "order": id});
        Answer { status: 404, headers: headers.into(), body }
    }

    fn differs(leak: impl FnOnce(&mut Answer)) -> bool {
        let mut something = refusal("o-1");
        leak(&mut something);
        difference((&something, &["o-1"]), (&refusal("o-2"), &["o-2"])).is_some()
    }

    #[test]
    fn answers_are_alike_but_for_ids_date_and_trace() {
        assert!(!differs(|_| ()));
        assert!(!differs(|answer| answer.headers.get_mut("date").expect("a date")[0] = "tomorrow".to_owned()));
    }

    #[test]
    fn every_leak_is_a_difference() {
        assert!(differs(|answer| answer.status = 403));
        assert!(differs(|answer| answer.body["code"] = json!("order_cancelled")));
        assert!(differs(|answer| answer.body["detail"] = json!("the order is confirmed")));
        assert!(differs(|answer| answer.body["available"] = json!(3)));
        assert!(differs(|answer| answer.body["retryable"] = json!(true)));
        assert!(differs(|answer| _ = answer.headers.insert("stockfold-position".to_owned(), vec!["x".to_owned()])));
        assert!(differs(|answer| _ = answer.headers.remove("content-type")));
    }

    #[test]
    fn a_refusal_is_a_problem_with_a_code() {
        assert_eq!(refusal("o-1").fault(), None);
        let spoiled = |spoil: fn(&mut Answer)| {
            let mut answer = refusal("o-1");
            spoil(&mut answer);
            answer.fault()
        };
        assert!(spoiled(|answer| (answer.status, answer.body["status"]) = (500, json!(500))).is_some());
        assert!(spoiled(|answer| answer.body["code"] = json!("")).is_some());
        assert!(spoiled(|answer| answer.body = json!("Not Found")).is_some());
        assert!(spoiled(|answer| answer.headers.clear()).is_some());
    }
}
