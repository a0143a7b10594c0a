//! What clients asked and were told.

use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex, time::Duration};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Receive,
    Hold,
    Commit,
    Release,
    PlaceOrder,
    Begin,
    Pay,
    Submit,
    Cancel,
}

impl Op {
    pub const ALL: [Self; 9] = [
        Self::Receive,
        Self::Hold,
        Self::Commit,
        Self::Release,
        Self::PlaceOrder,
        Self::Begin,
        Self::Pay,
        Self::Submit,
        Self::Cancel,
    ];

    /// As the report names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Hold => "hold",
            Self::Commit => "commit",
            Self::Release => "release",
            Self::PlaceOrder => "order",
            Self::Begin => "checkout",
            Self::Pay => "pay",
            Self::Submit => "submit",
            Self::Cancel => "cancel",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done,
    /// By this code.
    Refused(String),
    /// Nobody was told; why.
    Unknown(String),
}

/// Something that a client asked for, with all its repetitions.
#[derive(Debug, Clone)]
pub struct Call {
    pub client: usize,
    pub op: Op,
    /// Of the effect: a receipt, a hold, an order; of a checkout its key, until it is answered.
    pub id: String,
    /// Of a hold or receipt.
    pub item: String,
    pub begun: Duration,
    pub ended: Duration,
    /// How often it was sent.
    pub sent: u32,
    /// It was sent before without anybody knowing what came of it.
    pub doubtful: bool,
    /// The process that answered, or was asked last.
    pub process: &'static str,
    pub end: End,
    pub status: u16,
    pub body: Value,
    pub position: String,
}

impl Call {
    pub fn is_done(&self) -> bool {
        self.end == End::Done
    }

    /// One line of what is kept of a run that failed.
    pub fn line(&self) -> String {
        let end = match &self.end {
            End::Done => "done".to_owned(),
            End::Refused(code) => format!("refused: {code}"),
            End::Unknown(why) => format!("unknown: {why}"),
        };
        let times = [self.begun, self.ended].map(|time| time.as_secs_f64());
        json!({
            "client": self.client, "op": self.op.name(), "id": self.id, "item": self.item, "begun": times[0], "ended": times[1],
            "sent": self.sent, "doubtful": self.doubtful, "process": self.process, "end": end, "status": self.status,
            "body": self.body, "position": self.position,
        })
        .to_string()
    }
}

/// Ends by number: done, refused, unknown, and how many of all were sent more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    pub done: usize,
    pub refused: usize,
    pub unknown: usize,
    pub repeated: usize,
}

impl Ends {
    pub fn add(&mut self, call: &Call) {
        match call.end {
            End::Done => self.done += 1,
            End::Refused(_) => self.refused += 1,
            End::Unknown(_) => self.unknown += 1,
        }
        self.repeated += usize::from(call.sent > 1);
    }
}

/// Everything that clients were told.
#[derive(Debug, Default)]
pub struct History {
    calls: Mutex<Vec<Call>>,
    /// What a client saw that must not be.
    wrong: Mutex<Vec<String>>,
    /// Rows that were read.
    reads: Mutex<usize>,
}

impl History {
    pub fn add(&self, call: Call) {
        self.calls.lock().expect("not poisoned").push(call);
    }

    pub fn wrong(&self, what: String) {
        println!("         wrong: {what}");
        self.wrong.lock().expect("not poisoned").push(what);
    }

    pub fn count_read(&self) {
        *self.reads.lock().expect("not poisoned") += 1;
    }

    pub fn reads(&self) -> usize {
        *self.reads.lock().expect("not poisoned")
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("not poisoned").clone()
    }

    pub fn all_wrong(&self) -> Vec<String> {
        self.wrong.lock().expect("not poisoned").clone()
    }

    /// Of all calls so far.
    pub fn ends(&self) -> Ends {
        let mut ends = Ends::default();
        self.calls.lock().expect("not poisoned").iter().for_each(|call| ends.add(call));
        ends
    }
}

/// By what is asked.
pub fn by_op(calls: &[Call]) -> BTreeMap<Op, Ends> {
    let mut ends = BTreeMap::<Op, Ends>::new();
    calls.iter().for_each(|call| ends.entry(call.op).or_default().add(call));
    ends
}

/// How often each refusal was told.
pub fn refusals(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for call in calls {
        if let End::Refused(code) = &call.end {
            *count.entry(format!("{} {code}", call.op.name())).or_default() += 1;
        }
    }
    count
}

/// The longest time in which nobody was answered, and the longest that one call took.
pub fn pauses(calls: &[Call]) -> (Duration, Duration) {
    let mut answered: Vec<_> =
        calls.iter().filter(|call| !matches!(call.end, End::Unknown(_))).map(|call| call.ended).collect();
    answered.sort_unstable();
    let pause = answered.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default();
    (pause, calls.iter().map(|call| call.ended - call.begun).max().unwrap_or_default())
}
