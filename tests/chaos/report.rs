//! What a run says at its end.

use super::{
    Run,
    answers::Checked,
    fleet::Fleet,
    history::{self, Call, Ends},
    nemesis::Done,
    plan::Kind,
};
use crate::sim::checker::evidence::{Event, Evidence};

use std::collections::BTreeMap;

/// The most of what is wrong that is printed; all of it is kept.
const SHOWN: usize = 20;

/// Everything that is told.
pub struct Report<'a> {
    pub run: Run,
    pub calls: &'a [Call],
    pub carried_out: &'a Done,
    pub evidence: &'a Evidence,
    pub checked: Checked,
    /// Rows of views that were compared.
    pub rows: usize,
    /// Rows that clients read.
    pub reads: usize,
    pub wrong: &'a [String],
}

impl Report<'_> {
    /// The table, and the last line.
    pub fn print(&self, fleet: &Fleet) {
        println!("\ncalls            done  refused  unknown  sent again");
        let mut all = Ends::default();
        self.calls.iter().for_each(|call| all.add(call));
        let by_op = history::by_op(self.calls);
        for (name, ends) in by_op.iter().map(|(op, ends)| (op.name(), ends)).chain([("all", &all)]) {
            println!("  {name:<12} {:>6}  {:>7}  {:>7}  {:>10}", ends.done, ends.refused, ends.unknown, ends.repeated);
        }
        println!("refusals");
        history::refusals(self.calls).iter().for_each(|(code, n)| println!("  {n:>6}  {code}"));
        println!("faults");
        for kind in Kind::ALL {
            println!("  {:>6}  {}", self.carried_out.faults.get(&kind).copied().unwrap_or(0), kind.name());
        }
        println!("  {:>6}  found nobody to hit", self.carried_out.missed);
        let ended = fleet.ended.lock().expect("not poisoned");
        println!("  {:>6}  processes ended or did not start by themselves, and were started again", ended.len());
        let mut kinds = BTreeMap::<&str, usize>::new();
        ended.iter().for_each(|end| *kinds.entry(end).or_default() += 1);
        kinds.iter().for_each(|(end, n)| println!("          {n} times {end}"));
        let (pause, longest) = history::pauses(self.calls);
        println!("longest time in which nobody was answered {pause:.1?}, longest call {longest:.1?}");
        println!("checked");
        self.checked.iter().for_each(|(what, n)| println!("  {n:>6}  calls {what}"));
        println!(
            "  {:>6}  events, {} commands, {} internal ones, against the model",
            self.events(),
            self.evidence.calls.len(),
            self.evidence.internal.len()
        );
        println!("  {:>6}  rows of views against the fold, {} read by clients on the way", self.rows, self.reads);
        println!("{}", self.last_line(fleet, all));
    }

    fn events(&self) -> usize {
        self.evidence.events.len()
    }

    fn last_line(&self, fleet: &Fleet, all: Ends) -> String {
        if !self.wrong.is_empty() {
            let folder = fleet.folder.display();
            return format!(
                "chaos failed: {} things are wrong; `{}`; logs in {folder}",
                self.wrong.len(),
                self.again()
            );
        }
        let Run { seed, length } = self.run;
        let faults: usize = self.carried_out.faults.values().sum();
        let (minutes, kinds) = (length.as_secs_f64() / 60.0, self.carried_out.faults.len());
        format!(
            "chaos of seed {seed}: {minutes:.1} minutes, {} calls ({} done, {} refused, {} unknown), {} events, {faults} faults of {kinds} kinds: nothing is wrong",
            self.calls.len(),
            all.done,
            all.refused,
            all.unknown,
            self.events(),
        )
    }

    /// The command that repeats the schedule.
    fn again(&self) -> String {
        let Run { seed, length } = self.run;
        format!("make chaos SEED={seed} MINUTES={}", length.as_secs_f64() / 60.0)
    }

    /// Keeps everything beside the logs, and says what is wrong.
    pub fn failure(&self, fleet: &Fleet) -> String {
        fleet.keep("history.ndjson", self.calls.iter().map(Call::line));
        fleet.keep("events.txt", self.evidence.events.iter().map(event));
        fleet.keep("internal.ndjson", self.evidence.internal.iter().map(ToString::to_string));
        fleet.keep(
            "commands.txt",
            self.evidence.calls.iter().map(|call| format!("{} {} {}", call.id, call.caller, call.command)),
        );
        fleet.keep("timeline.txt", fleet.timeline.lock().expect("not poisoned").iter().cloned());
        let all = fleet.keep("wrong.txt", self.wrong.iter().cloned());
        let some = self.wrong.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
        let (count, folder) = (self.wrong.len(), fleet.folder.display());
        let again = self.again();
        format!(
            "{count} things are wrong, all in {}; logs of all processes in {folder}\n{some}\nrepeat the schedule: {again}",
            all.display()
        )
    }
}

fn event(event: &Event) -> String {
    let Event { epoch, name, subject, time, actor, causation, value, .. } = event;
    format!("{} {epoch} {time} {name} {subject} {actor} {causation} {value}", event.position())
}
