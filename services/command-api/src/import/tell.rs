//! From lines that were begun to their results: each behind its dead letter, where it has one.

use super::{
    letter::{self, Letters, Original},
    line,
    news::News,
};
use crate::{CommandState, Pending, asker::reused};
use axum::body::Bytes;
use edge::Problem;
use event_log::NewRecord;
use schemas::ItemId;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A line on its way to its result.
pub(super) struct Begun {
    pub original: Original,
    pub step: Step,
}

/// How far it has come.
pub(super) enum Step {
    /// Submitted.
    Pending { item: ItemId, pending: Pending, derived: bool },
    /// Refused before.
    Refused { item: Option<ItemId>, problem: Problem },
    /// Found well where nothing is submitted.
    Checked { item: ItemId },
    /// It is none: nothing more is read, for this reason.
    Ended(Problem),
}

/// A result that may be told once its letter is durable.
pub(super) struct Outcome {
    number: u64,
    result: Value,
    letter: Option<NewRecord>,
}

/// Awaits the answers, in order.
pub(super) async fn answers(
    state: CommandState,
    letters: Letters,
    trace_id: String,
    mut news: Option<News>,
    mut begun: mpsc::Receiver<Begun>,
    outcomes: mpsc::Sender<Outcome>,
) {
    while let Some(Begun { original, step }) = begun.recv().await {
        let number = original.number;
        let refused = match step {
            Step::Checked { item } => Ok(line::checked(number, &item)),
            Step::Ended(problem) => Ok(line::ended(number, problem, trace_id.clone())),
            Step::Refused { item, problem } => Err((item, problem)),
            Step::Pending { item, pending, derived } => {
                let answer = state.submitter.answer(pending).await;
                let answer = if derived { answer.map_err(reused) } else { answer };
                let told = answer.and_then(|(reply, positions)| {
                    let changed = news.as_mut().map(|news| news.take(&positions));
                    line::result(number, &item, reply, &positions, changed)
                });
                told.map_err(|problem| (Some(item), problem))
            }
        };
        let outcome = match refused {
            Ok(result) => Outcome { number, result, letter: None },
            Err((item, problem)) => refusal(&state, &letters, &original, item, problem.document(trace_id.clone())),
        };
        if outcomes.send(outcome).await.is_err() {
            return;
        }
    }
}

fn refusal(
    state: &CommandState,
    letters: &Letters,
    original: &Original,
    item: Option<ItemId>,
    problem: edge::ProblemDocument,
) -> Outcome {
    let is_letter = Letters::is_final(&problem) && !letters.import.dry_run;
    let letter = is_letter.then(|| letters.of(original, item.as_ref(), &problem, state.edge.now()));
    let mut result = line::refused(original.number, item.as_ref(), problem);
    if is_letter {
        result["deadLetter"] = json!(true);
    }
    Outcome { number: original.number, result, letter }
}

/// Writes letters, then results; ends the import where a letter cannot be written.
pub(super) async fn results(
    state: CommandState,
    trace_id: String,
    mut outcomes: mpsc::Receiver<Outcome>,
    results: mpsc::Sender<Bytes>,
) {
    let mut some = Vec::new();
    while outcomes.recv_many(&mut some, 64).await > 0 {
        let letters: Vec<NewRecord> = some.iter_mut().filter_map(|outcome| outcome.letter.take()).collect();
        let first = some.iter().position(|outcome| outcome.result["deadLetter"] == json!(true));
        let written = letter::write(state.submitter.log(), letters).await;
        let mut text = String::new();
        // Without their letters, nothing is told from the first refusal on: those lines are sent again.
        let tellable = if written.is_ok() { some.len() } else { first.unwrap_or(some.len()) };
        for outcome in some.drain(..tellable) {
            text.push_str(&outcome.result.to_string());
            text.push('\n');
        }
        if let (Err(_), Some(outcome)) = (&written, some.first()) {
            let detail = format!(
                "dead letters cannot be written, so the import ends before line {0}: send it again with `Stockfold-Import-From: {0}`",
                outcome.number
            );
            let problem = Problem::unavailable("dead_letters_unavailable", detail);
            text.push_str(&line::ended(outcome.number, problem, trace_id.clone()).to_string());
            text.push('\n');
        }
        if results.send(Bytes::from(text)).await.is_err() || written.is_err() {
            return;
        }
    }
}
