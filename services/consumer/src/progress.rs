//! What can be seen of a service from outside, and how it is told to stop.

use crate::Done;
use parking_lot::Mutex;
use schemas::Topic;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

/// How far a service is, and how it fares.
#[derive(Debug)]
pub struct Progress {
    service: &'static str,
    stopping: AtomicBool,
    done: Mutex<BTreeMap<(Topic, u32), u64>>,
    /// Why it stopped by itself.
    failure: Mutex<Option<String>>,
    /// Why it does not get on at the moment.
    trouble: Mutex<Option<String>>,
}

impl Progress {
    /// Of a service of that name.
    #[must_use]
    pub fn new(service: &'static str) -> Self {
        let (stopping, done) = (AtomicBool::new(false), Mutex::default());
        Self { service, stopping, done, failure: Mutex::default(), trouble: Mutex::default() }
    }

    /// Its name, for people.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// Tells it to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether it is to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Says that it stops by itself, and why.
    pub fn fail(&self, error: &dyn std::fmt::Display) {
        tracing::error!(service = self.service, %error, "a service has stopped");
        self.failure.lock().replace(error.to_string());
    }

    /// Says why it does not get on, or that it does.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    /// Why it stopped by itself or does not get on.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let failure = self.failure.lock().clone();
        failure.or_else(|| self.trouble.lock().clone())
    }

    /// Shows how far it is.
    pub fn publish(&self, done: impl Iterator<Item = Done>) {
        let mut shown = self.done.lock();
        for (place, checkpoint) in done {
            shown.insert(place, checkpoint.offset);
        }
    }

    /// By topic and partition, the offset before which all is done.
    #[must_use]
    pub fn done(&self) -> BTreeMap<(Topic, u32), u64> {
        self.done.lock().clone()
    }
}
