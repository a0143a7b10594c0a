//! Parameters of the query and parts of the path, with the same care as bodies.

use crate::{FieldError, page::Page, problem::Problem};
use axum::{
    extract::{FromRequestParts, Path, Query, path::ErrorKind, rejection::PathRejection},
    http::{StatusCode, request::Parts},
};
use schemas::{ParseError, Timestamp};
use serde::de::DeserializeOwned;

/// The parameters of a query: read each by name, then [`Params::finish`], which tells all faults and unknown names.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    faults: Vec<FieldError>,
    read: Vec<&'static str>,
}

impl Params {
    /// From pairs.
    #[must_use]
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, faults: Vec::new(), read: Vec::new() }
    }

    /// A parameter as it was sent; twice is a fault.
    pub fn raw(&mut self, name: &'static str) -> Option<String> {
        self.read.push(name);
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let first = values.next()?;
        if values.next().is_some() {
            drop(values);
            return self.fault(name, "duplicate", "may be given once only");
        }
        Some(first)
    }

    /// A parameter, parsed; what does not parse is a fault of that code.
    pub fn parsed<T, E: ToString>(
        &mut self,
        name: &'static str,
        code: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.raw(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(fault) => self.fault(name, code, fault.to_string()),
        }
    }

    /// An id.
    pub fn id<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, ParseError>) -> Option<T> {
        self.parsed(name, "invalid_id", parse)
    }

    /// Ids, separated by commas: one to `max`.
    pub fn ids<T>(
        &mut self,
        name: &'static str,
        max: usize,
        parse: impl Fn(&str) -> Result<T, ParseError>,
    ) -> Option<Vec<T>> {
        let text = self.raw(name)?;
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > max {
            return self.fault(name, "too_many", format!("has at most {max} ids"));
        }
        match parts.into_iter().map(parse).collect() {
            Ok(ids) => Some(ids),
            Err(fault) => self.fault(name, "invalid_id", fault.to_string()),
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.parsed(name, "not_a_boolean", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// An RFC 3339 time.
    pub fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        self.parsed(name, "invalid_time", Timestamp::parse)
    }

    /// One of some words; matched without case.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.raw(name)?;
        match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)) {
            Some((_, value)) => Some(*value),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.fault(name, "invalid_value", format!("must be one of {}", known.join(", ")))
            }
        }
    }

    /// `limit` and `cursor` of a list.
    pub fn page(&mut self) -> Page {
        let limit = self.parsed("limit", "out_of_range", |text| match text.parse::<usize>() {
            Ok(limit @ 1..=Page::MAX) => Ok(limit),
            Ok(_) | Err(_) => Err("must be a whole number from 1 to 200"),
        });
        Page { limit: limit.unwrap_or(Page::DEFAULT), cursor: self.raw("cursor") }
    }

    /// Records that a parameter is missing where it is `None`.
    pub fn require<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.pairs.iter().any(|(key, _)| key == name) {
            return self.fault(name, "missing", "is required");
        }
        value
    }

    /// Records a fault; answers `None`.
    pub fn fault<T>(&mut self, name: &str, code: &'static str, detail: impl Into<String>) -> Option<T> {
        self.faults.push(FieldError { pointer: format!("?{name}"), code: code.into(), detail: detail.into() });
        None
    }

    /// 400 `invalid_query` with all faults, if there is one. Call it before anything that was read is used.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self
            .pairs
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| !self.read.contains(&key.as_str()))
            .take(20)
            .collect();
        for name in unknown {
            self.fault::<()>(&name, "unknown_parameter", "is not a parameter of this call");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::faults("invalid_query", self.faults)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_none_or(str::is_empty) {
            return Ok(Self::new(Vec::new()));
        }
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self::new(pairs)),
            Err(rejection) => Err(Problem::bad_request("invalid_query", rejection.body_text())),
        }
    }
}

/// The ids of a path: `PathIds((item, hold)): PathIds<(ItemId, FreeHoldId)>`.
#[derive(Debug)]
pub struct PathIds<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathIds<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(ids)) => Ok(Self(ids)),
            Err(rejection) if rejection.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                Err(Problem::internal(&rejection.body_text()))
            }
            Err(PathRejection::FailedToDeserializePathParams(fault)) => Err(invalid_id(fault.into_kind())),
            Err(rejection) => Err(Problem::bad_request("invalid_id", rejection.body_text())),
        }
    }
}

fn invalid_id(fault: ErrorKind) -> Problem {
    let (name, detail) = match fault {
        ErrorKind::InvalidUtf8InPathParam { key } => (key, ParseError::Id.to_string()),
        ErrorKind::ParseErrorAtKey { key, .. } => (key, ParseError::Id.to_string()),
        ErrorKind::DeserializeError { key, message, .. } => (key, message),
        other => return Problem::bad_request("invalid_id", other.to_string()),
    };
    let fault = FieldError { pointer: format!("{{{name}}}"), code: "invalid_id".into(), detail };
    Problem::faults("invalid_id", vec![fault])
}
