//! What happens because time passes.

use super::{Rig, hold, names, stocked};
use crate::Input;
use schemas::Role;

#[test]
fn a_free_hold_expires_after_its_deadline_and_the_grace() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    rig.send(vec![hold("a", "h", 3, 60)]);
    let due = rig.shard.deadlines().1.expect("a hold has a deadline");
    assert_eq!(due, rig.now.plus_seconds(60 + 60));

    assert!(rig.step(Input::Clock(due.plus_millis(-1))).batch.is_none());
    let batch = rig.step(Input::Clock(due)).batch.expect("it is due");
    assert_eq!(names(&batch), ["hold-expired"]);
    let envelope = &batch.events[0].envelope;
    assert!(envelope.actor.starts_with(Role::Engine.as_str()));
    assert!(envelope.causation.as_str().starts_with("clock-"));
    assert_eq!(rig.shard.deadlines(), (0, None));
    assert!(rig.step(Input::Clock(due)).batch.is_none());
}

#[test]
fn deadlines_pass_in_the_order_of_their_times() {
    let mut rig = Rig::new();
    for id in ["b", "a", "c"] {
        rig.send(stocked(id, 5));
    }
    rig.send(vec![hold("b", "late", 1, 120), hold("c", "soon", 1, 30), hold("a", "middle", 1, 60)]);
    let batch = rig.step(Input::Clock(rig.now.plus_seconds(1_000))).batch.expect("all are due");
    let subjects: Vec<_> = batch.events.iter().map(|event| event.envelope.subject.as_str()).collect();
    assert_eq!(subjects, ["c", "a", "b"]);
}

#[test]
fn time_does_not_go_back_when_the_clock_does() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    let before = rig.now;
    rig.now = before.plus_seconds(100);
    rig.send(vec![hold("a", "h1", 1, 60)]);
    rig.now = before;
    let batch = rig.send(vec![hold("a", "h2", 1, 60)]);
    assert_eq!(batch.events[0].envelope.time, before.plus_seconds(100));
}

#[test]
fn what_is_due_between_the_clock_and_the_last_event_waits_for_the_clock() {
    let mut rig = Rig::new();
    rig.send(stocked("a", 5));
    rig.send(vec![hold("a", "h", 1, 10)]);
    let asked = rig.now.plus_seconds(69);
    rig.now = rig.now.plus_seconds(100);
    rig.send(stocked("b", 5));
    assert!(rig.step(Input::Clock(asked)).batch.is_none(), "a command of that time may still be on its way");
    assert!(rig.step(Input::Clock(rig.now)).batch.is_some());
}
