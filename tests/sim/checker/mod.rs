//! The checker: reads what a run left behind, folds it with the naive model, and says what must not be.
//!
//! It goes through each aggregate decision by decision. Before a decision the model says what must follow from its
//! command, after it what everybody had to be told who was answered at that position.

pub mod evidence;

use super::{
    invariants,
    model::{self, Ask, Model, Must, Said, Verdict, Violation, Violations, Wait},
};
use evidence::{Answer, Call, Event, Evidence, ORDERS, Read, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Topic and subject.
pub type Key = (String, String);

/// Something that was said of an aggregate, and must have been true at a position.
enum Question<'a> {
    /// A client was answered.
    Client(&'a Call, &'a Answer),
    /// An order answered the client of a cart's checkout.
    Checkout(&'a Call, &'a Answer),
    /// An order answered the client of a claim.
    Claim(&'a Call, &'a Answer),
    /// An order was answered by an item: the command, and the answer.
    Order(&'a Value, &'a Value),
}

/// The rows that views showed of an aggregate, by the seq of their newest event.
type Shown<'a> = BTreeMap<Key, BTreeMap<u64, Vec<(&'a Read, &'a Value)>>>;

/// All questions of one aggregate with the seq at which each must be true.
type Questions<'a> = BTreeMap<Key, Vec<(u64, Question<'a>)>>;

/// What is wrong, if anything.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Violations::default();
    invariants::log::check(evidence, &mut found);
    invariants::history::check(evidence, &mut found);
    let models = replay(evidence, &mut found);
    invariants::rest::check(evidence, &models, &mut found);
    invariants::drops::check(evidence, &models, &mut found);
    invariants::supply::check(evidence, &models, &mut found);
    invariants::unknown::check(evidence, &models, &mut found);
    invariants::views::check(evidence, &models, &mut found);
    found.0
}

/// Folds every aggregate, and asks on the way.
fn replay(evidence: &Evidence, found: &mut Violations) -> BTreeMap<Key, Box<dyn Model>> {
    // A command that comes twice may send two others under one id.
    let mut commands: BTreeMap<&str, Vec<Ask<'_>>> = BTreeMap::new();
    for call in &evidence.calls {
        commands.entry(&call.id).or_default().push(Ask { caller: &call.caller, asked: call.asked() });
    }
    for sent in &evidence.internal {
        let ask = Ask { caller: &sent["caller"], asked: &sent["command"]["command"] };
        commands.entry(text(sent, "id")).or_default().push(ask);
    }
    let (mut questions, mut shown) = (questions(evidence), shown(evidence));
    let mut events: BTreeMap<Key, Vec<&Event>> = BTreeMap::new();
    for event in &evidence.events {
        events.entry((event.topic.clone(), event.subject.clone())).or_default().push(event);
    }
    for key in questions.keys() {
        events.entry(key.clone()).or_default();
    }
    let mut models = BTreeMap::new();
    for (key, events) in events {
        let Some(model) = model::of_topic(&key.0, &key.1) else {
            found.must(false, "known-events", || format!("nobody has a model of {}", key.0));
            continue;
        };
        let mut questions = questions.remove(&key).unwrap_or_default();
        questions.sort_by_key(|(at, _)| *at);
        let shown = shown.remove(&key).unwrap_or_default();
        let mut replay = Replay { model, questions: questions.into_iter().peekable(), shown, found };
        for decision in events.chunk_by(|one, other| one.causation == other.causation) {
            let id = decision[0].causation.as_str();
            replay.decision(decision, id, commands.get(id).map_or(&[], Vec::as_slice));
        }
        replay.rest(&key);
        models.insert(key, replay.model);
    }
    models
}

/// The seq of a token at the partition of an aggregate, found by where its events are.
fn questions(evidence: &Evidence) -> Questions<'_> {
    let places: BTreeMap<(&str, &str), String> =
        evidence.events.iter().map(|e| ((e.topic.as_str(), e.subject.as_str()), e.place())).collect();
    let calls: BTreeMap<u64, &Call> = evidence.calls.iter().map(|call| (call.request, call)).collect();
    let mut questions = Questions::new();
    let mut ask = |topic: &str, subject: &str, at: u64, question| {
        questions.entry((topic.to_owned(), subject.to_owned())).or_default().push((at, question));
    };
    let placed = evidence.events.iter().filter(|event| event.name == "order-placed");
    let (placed, checkouts): (BTreeSet<&str>, _) =
        (placed.map(|event| event.subject.as_str()).collect(), checkouts(evidence));
    for answer in &evidence.answers {
        let Some(call) = calls.get(&answer.request) else { continue };
        let order = checkout_of(&checkouts, call, answer).filter(|order| placed.contains(order));
        let claimed = claimed(call, answer);
        let (topic, subject) = order.or(claimed).map_or_else(|| call.aggregate(), |order| (ORDERS, order));
        let at = places.get(&(topic, subject)).and_then(|place| answer.positions.get(place)).copied().unwrap_or(0);
        let question = match (order, claimed) {
            (Some(_), _) => Question::Checkout(call, answer),
            (None, Some(_)) => Question::Claim(call, answer),
            (None, None) => Question::Client(call, answer),
        };
        ask(topic, subject, at, question);
    }
    let asks = |c: &&Value| matches!(text(&c["command"]["command"], "op"), "place_hold" | "allocate" | "allot");
    let sent: BTreeMap<&str, &Value> = evidence.internal.iter().filter(asks).map(|c| (text(c, "id"), c)).collect();
    let answers = ["item_answered", "allocation_answered", "allot_answered"];
    let by_item = |c: &&Value| answers.contains(&text(&c["command"]["command"], "op"));
    for said in evidence.internal.iter().filter(by_item) {
        let asked = text(said, "id").rsplit_once('.').and_then(|(cause, _)| sent.get(cause));
        let Some(asked) = asked else { continue };
        let item = text(&said["command"]["command"], "itemId");
        let place = places.get(&(evidence::ITEMS, item));
        let at = place.and_then(|place| token(text(said, "positions")).get(place).copied()).unwrap_or(0);
        ask(evidence::ITEMS, item, at, Question::Order(asked, said));
    }
    questions
}

/// The order that each request for a checkout began or joined.
fn checkouts(evidence: &Evidence) -> BTreeMap<(&str, &str), &str> {
    let begun = evidence.events.iter().filter(|e| matches!(e.name.as_str(), "checkout-begun" | "checkout-joined"));
    begun.map(|e| ((e.subject.as_str(), text(&e.value["effect"], "id")), text(&e.value, "orderId"))).collect()
}

/// The order that answered, where it was not the cart.
pub fn checkout_of<'e>(checkouts: &BTreeMap<(&str, &str), &'e str>, call: &Call, answer: &Answer) -> Option<&'e str> {
    if text(call.asked(), "op") != "checkout" {
        return None;
    }
    let told = answer.done || matches!(text(&answer.body, "code"), "order_rejected" | "order_cancelled");
    let key = (call.aggregate().1, text(&call.asked()["effect"], "id"));
    checkouts.get(&key).copied().filter(|_| told)
}

/// The order that answered a claim, where it was not the drop.
pub fn claimed<'e>(call: &'e Call, answer: &Answer) -> Option<&'e str> {
    let by_order = ["order_rejected", "order_cancelled", "exists_with_different_content"];
    let told = answer.done || by_order.contains(&text(&answer.body, "code"));
    Some(text(call.asked(), "orderId")).filter(|_| told && text(call.asked(), "op") == "claim")
}

fn shown(evidence: &Evidence) -> Shown<'_> {
    let mut shown = Shown::new();
    for read in &evidence.reads {
        let Some(row) = &read.row else { continue };
        let key = (read.aggregate.0.to_owned(), read.aggregate.1.clone());
        shown.entry(key).or_default().entry(invariants::views::seq_of_row(row)).or_default().push((read, row));
    }
    shown
}

/// The positions of a token's text.
pub fn token(text: &str) -> evidence::Positions {
    let parts = text.split('~').filter_map(|part| part.split_once('@'));
    parts.filter_map(|(place, seq)| Some((place.to_owned(), seq.parse().ok()?))).collect()
}

struct Replay<'a, 'f, I: Iterator<Item = (u64, Question<'a>)>> {
    model: Box<dyn Model>,
    questions: std::iter::Peekable<I>,
    shown: BTreeMap<u64, Vec<(&'a Read, &'a Value)>>,
    found: &'f mut Violations,
}

impl<'a, I: Iterator<Item = (u64, Question<'a>)>> Replay<'a, '_, I> {
    fn next_until(&mut self, before: u64) -> Option<(u64, Question<'a>)> {
        self.questions.next_if(|(at, _)| *at < before)
    }

    fn decision(&mut self, events: &[&Event], id: &str, commands: &[Ask<'_>]) {
        let (first, last) = (events[0].seq, events[events.len() - 1].seq);
        while let Some((_, question)) = self.next_until(first) {
            self.ask(&question, None);
        }
        let verdicts = commands.iter().map(|ask| self.model.decide(*ask, events[0].millis()));
        let mut verdicts: Vec<_> = verdicts.collect();
        let fits = verdicts.iter().position(|verdict| verdict.fresh && follow(verdict, events)).unwrap_or(0);
        let verdict = if verdicts.is_empty() { None } else { Some((id, verdicts.swap_remove(fits))) };
        for event in events {
            self.model.take(event, self.found);
            let shown = self.shown.remove(&event.seq);
            self.compare(shown);
        }
        self.model.settled(self.found);
        if let Some((id, verdict)) = &verdict {
            self.judge(id, verdict, events);
        }
        while let Some((at, question)) = self.next_until(last + 1) {
            self.found.must(at == last, "positions-are-whole", || {
                format!("{}@{at} was told, in the middle of a decision", events[0].subject)
            });
            self.ask(&question, verdict.as_ref().map(|(id, verdict)| (*id, verdict)));
        }
    }

    /// That the decision is what had to follow from its command.
    fn judge(&mut self, id: &str, verdict: &Verdict, events: &[&Event]) {
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        self.found.must(!matches!(verdict.said, Said::Refused(_)), "refused-is-refused", || {
            let Said::Refused(refusal) = &verdict.said else { return String::new() };
            format!("{id} changed {} by {names:?}, and had to be refused: {refusal}", events[0].subject)
        });
        self.found.must(verdict.fresh, "one-decision-per-id", || {
            format!("{id} changed {} by {names:?}, which was so already", events[0].subject)
        });
        let (Must::Be(expected) | Must::Begin(expected)) = &verdict.events else { return };
        let same = follow(verdict, events);
        self.found.must(same, "events-equal-model", || {
            let expected: Vec<_> = expected.iter().map(|(name, fields)| format!("{name} {fields}")).collect();
            let made: Vec<_> = events.iter().map(|event| format!("{} {}", event.name, event.value)).collect();
            format!("{id} had to make {}, and made {}", expected.join(" and "), made.join(" and "))
        });
    }

    fn ask(&mut self, question: &Question<'_>, own: Option<(&str, &Verdict)>) {
        match question {
            Question::Client(call, answer) => {
                let own = own.filter(|(id, _)| *id == call.id);
                self.ask_client(call, answer, own.map(|(_, verdict)| verdict));
            }
            Question::Checkout(call, answer) => {
                let expected = self.model.answer(&Wait::Placed);
                self.compare_answer(call, answer, expected.as_ref());
            }
            Question::Claim(call, answer) => {
                let expected = self.model.as_order().and_then(|order| order.answer_claim(&call.command));
                self.compare_answer(call, answer, expected.as_ref());
            }
            Question::Order(asked, said) => self.ask_order(&asked["command"]["command"], &said["command"]["command"]),
        }
    }

    /// That an order was told by an item what it had to be.
    fn ask_order(&mut self, asked: &Value, said: &Value) {
        let Some(item) = self.model.as_item() else { return };
        let (now, told) = match text(said, "op") {
            "item_answered" => (item.answer_order(asked), &said["answer"]),
            "allot_answered" => (item.answer_drop(asked), &said["refusal"]),
            _ => (item.answer_allocation(asked), &said["refusal"]),
        };
        self.found.must(now == *told, "reply-equals-model", || format!("{asked}: had to be told {now}: {said}"));
    }

    /// That the rows which views showed are what the fold says. A view may show half of a decision.
    fn compare(&mut self, shown: Option<Vec<(&Read, &Value)>>) {
        for (read, row) in shown.into_iter().flatten() {
            let rows = self.model.rows();
            let ours = rows.into_iter().find(|(table, key, _)| *table == read.table && *key == read.key);
            self.found.must(ours.as_ref().is_some_and(|(_, _, ours)| ours == row), "views-equal-fold", || {
                let ours = ours.map_or_else(|| "not there".to_owned(), |(_, _, ours)| ours.to_string());
                format!("{} {} was read as {row}, and is {ours}", read.table, read.key)
            });
        }
    }

    fn ask_client(&mut self, call: &Call, answer: &Answer, own: Option<&Verdict>) {
        let verdict = match own {
            Some(verdict) => verdict.clone(),
            // What was so already, is refused, or is told now of what was decided before.
            None => self.model.decide(Ask { caller: &call.caller, asked: call.asked() }, 0),
        };
        self.found.must(own.is_some() || !verdict.fresh || !answer.done, "answered-is-in-log", || {
            format!("{} was told {}, and nothing of it is in the log: {}", call.id, answer.body, call.command)
        });
        if own.is_none() && !answer.done && self.model.late(call.asked()).contains(&answer.body) {
            return;
        }
        let expected = match verdict.said {
            Said::Done(reply) => Some(Ok(reply)),
            Said::Refused(refusal) => Some(Err(refusal)),
            Said::Shown => Some(Ok(self.model.shown(&call.caller))),
            Said::Later(wait) => self.model.answer(&wait),
        };
        self.compare_answer(call, answer, expected.as_ref());
    }

    fn compare_answer(&mut self, call: &Call, answer: &Answer, expected: Option<&Result<Value, Value>>) {
        let told = if answer.done { Ok(answer.body.clone()) } else { Err(answer.body.clone()) };
        let same = match (expected, &told) {
            (Some(Ok(reply)), Ok(told)) => is_told(reply, told),
            (expected, told) => expected == Some(told),
        };
        self.found.must(same, "reply-equals-model", || {
            let expected = expected.map_or_else(|| "nothing".to_owned(), tell);
            format!("{} had to be told {expected}, and was told {}: {}", call.id, tell(&told), call.command)
        });
    }

    /// What was said at the end of the log, or beyond it.
    fn rest(&mut self, key: &Key) {
        let shown = self.shown.first_key_value();
        self.found.must(shown.is_none(), "views-equal-fold", || format!("{}: {shown:?} of no event", key.1));
        while let Some((at, question)) = self.questions.next() {
            let end = at == 0;
            self.found.must(end, "answered-is-in-log", || format!("{}@{at} was told, and the log ends before", key.1));
            if end {
                self.ask(&question, None);
            }
        }
    }
}

/// Whether a reply is the one that was expected; a time that is `notBefore` another may be any later one.
fn is_told(expected: &Value, told: &Value) -> bool {
    match (expected, told) {
        (Value::Object(ours), Value::String(told)) if ours.contains_key("notBefore") => {
            text(expected, "notBefore") <= told.as_str()
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let same = |(name, ours): (&String, &Value)| theirs.get(name).is_some_and(|theirs| is_told(ours, theirs));
            ours.len() == theirs.len() && ours.iter().all(same)
        }
        (ours, theirs) => ours == theirs,
    }
}

/// Whether these events are those that had to follow.
fn follow(verdict: &Verdict, events: &[&Event]) -> bool {
    let (expected, most) = match &verdict.events {
        Must::Be(expected) => (expected, events.len()),
        Must::Begin(expected) => (expected, expected.len()),
        Must::Fit => return true,
    };
    let fits = |((name, fields), event): (&model::Fact, &&Event)| *name == event.name && has(&event.value, fields);
    expected.len() == most && events.len() >= most && expected.iter().zip(events).all(fits)
}

fn tell(said: &Result<Value, Value>) -> String {
    match said {
        Ok(reply) => format!("`done` {reply}"),
        Err(refusal) => format!("`refused` {refusal}"),
    }
}

/// Whether an event has these fields; a null field may be absent, and `at` is its first location.
fn has(value: &Value, fields: &Value) -> bool {
    let same = |(name, field): (&String, &Value)| match name.as_str() {
        "at" => invariants::views::places(value).next().is_some_and(|place| place["location"] == *field),
        name => value[name] == *field,
    };
    fields.as_object().is_some_and(|fields| fields.iter().all(same))
}
