//! However a history is cut, repeated or folded twice at once, the rows are the same.

use crate::history::{History, Step, block_on, dump, fold_at, fold_batch, fold_only, open};
use event_log::Record;
use proptest::{collection::vec, prelude::*};
use read_model::{Checkpoints, ViewStore, views::CONSUMER};
use std::collections::BTreeMap;

pub fn steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let step = prop_oneof![
        (0..3u8).prop_map(Step::List),
        Just(Step::Delist),
        (0..9u8).prop_map(Step::Price),
        (0..2u8).prop_map(Step::Receive),
        (0..3u8).prop_map(Step::Grant),
        (0..3u8).prop_map(Step::Commit),
        (0..3u8).prop_map(Step::Release),
        Just(Step::Place),
        Just(Step::Authorize),
        Just(Step::Confirm),
        Just(Step::Cancel),
    ];
    vec((0..4u8, step), 1..60).prop_map(|steps| {
        let mut orders = BTreeMap::new();
        steps.into_iter().map(|(number, step)| (number, in_turn(&mut orders, number, step))).collect()
    })
}

/// An order is placed first and confirmed once, as the engine's are: what is bought is made of that.
fn in_turn(orders: &mut BTreeMap<u8, Step>, number: u8, step: Step) -> Step {
    if !matches!(step, Step::Place | Step::Authorize | Step::Confirm | Step::Cancel) {
        return step;
    }
    let next = match (orders.get(&number), step) {
        (None, _) => Step::Place,
        (Some(Step::Place), Step::Confirm | Step::Cancel) => step,
        (Some(_), _) => return Step::Authorize,
    };
    orders.insert(number, next);
    next
}

/// What is done with the history, beside folding it.
#[derive(Debug, Clone, Copy)]
pub enum Mishap {
    /// The next records come, so many.
    Take(usize),
    /// The last records come again, so many.
    Again(usize),
    /// The projector starts again where the store is.
    Restart,
    /// Another projector folds the whole history up to here, from its beginning, into the same store.
    Zombie,
    /// The next records come, so many; the projector is killed when every other row is written, or all of them, and no
    /// checkpoint.
    Killed(usize, bool),
}

pub fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let mishap = prop_oneof![
        4 => (1..12usize).prop_map(Mishap::Take),
        1 => (1..9usize).prop_map(Mishap::Again),
        1 => Just(Mishap::Restart),
        1 => Just(Mishap::Zombie),
        1 => (1..12usize, any::<bool>()).prop_map(|(count, half)| Mishap::Killed(count, half)),
    ];
    vec(mishap, 0..20)
}

pub fn history(steps: &[(u8, Step)]) -> Vec<Record> {
    let mut history = History::default();
    steps.iter().for_each(|&(number, step)| history.step(number, step));
    history.records
}

/// Folds a history into the store, with these mishaps on the way.
pub fn play(records: &[Record], mishaps: &[Mishap], store: &dyn ViewStore) -> Result<(), TestCaseError> {
    let mut fold = fold_at(&Checkpoints::new());
    let mut taken = 0;
    for &mishap in mishaps {
        match mishap {
            Mishap::Take(count) => {
                let end = records.len().min(taken + count);
                fold_batch(&mut fold, store, records[taken..end].to_vec());
                taken = end;
            }
            Mishap::Again(count) => {
                fold_batch(&mut fold, store, records[taken.saturating_sub(count)..taken].to_vec());
            }
            Mishap::Restart => {
                fold = fold_at(&checkpoints(store));
                // Its reader begins at the checkpoints, or before them.
                fold_batch(&mut fold, store, records[..taken].to_vec());
            }
            Mishap::Zombie => {
                let mut zombie = fold_at(&Checkpoints::new());
                for record in &records[..taken] {
                    fold_batch(&mut zombie, store, vec![record.clone()]);
                }
            }
            Mishap::Killed(count, half) => {
                let end = records.len().min(taken + count);
                let (mut rows, _) = fold_only(&mut fold, store, records[taken..end].to_vec());
                let mut other = false;
                rows.retain(|_| {
                    other = !other;
                    other || !half
                });
                block_on(store.write(CONSUMER, &rows, &Checkpoints::new())).expect("it writes");
                fold = fold_at(&checkpoints(store));
                fold_batch(&mut fold, store, records[..taken].to_vec());
            }
        }
        prop_assert!(fold.stopped().next().is_none());
    }
    fold_batch(&mut fold, store, records[taken..].to_vec());
    Ok(())
}

pub fn checkpoints(store: &dyn ViewStore) -> Checkpoints {
    block_on(store.checkpoints(CONSUMER)).expect("it reads")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_cut_repetition_or_restart_gives_the_same_rows(steps in steps(), mishaps in mishaps()) {
        let records = history(&steps);
        let whole = tempfile::tempdir().expect("a directory");
        fold_batch(&mut fold_at(&Checkpoints::new()), &open(whole.path()), records.clone());

        let cut = tempfile::tempdir().expect("a directory");
        let store = open(cut.path());
        play(&records, &mishaps, &store)?;
        prop_assert_eq!(dump(whole.path()), dump(cut.path()));
        prop_assert_eq!(checkpoints(&open(whole.path())), checkpoints(&store));
    }
}

#[test]
fn a_hot_item_is_written_once_a_batch_beside_its_ledger() {
    let directory = tempfile::tempdir().expect("a directory");
    let _store = open(directory.path());
    let steps: Vec<_> = (0..200).map(|at| (1, Step::Grant(at))).collect();
    let mut fold = fold_at(&Checkpoints::new());
    let batch = fold.read(history(&steps));
    let (rows, _) = fold.fold(batch).expect("the rows are JSON");
    let of = |name: &str| rows.iter().filter(|row| row.table.name == name).count();
    // Its 200 entries stand on seven pages of the ledger.
    assert_eq!((of("item_v1"), of("stock_v1"), of("ledger_v2"), of("hold_v1")), (1, 1, 7, 200));
}

#[test]
fn a_row_in_memory_is_not_asked_for_again() {
    let mut fold = fold_at(&Checkpoints::new());
    let records = history(&[(1, Step::List(1)), (1, Step::Grant(1)), (1, Step::Commit(1))]);
    let first = fold.read(records[..2].to_vec());
    let needed: Vec<_> = fold.needs(&first).iter().map(|needed| (needed.table.name, needed.keys.len())).collect();
    // A granted hold says all that its row holds.
    assert_eq!(needed, [("item_v1", 1), ("stock_v1", 1), ("ledger_v2", 1)]);
    fold.fold(first).expect("the rows are JSON");
    let second = fold.read(records[2..].to_vec());
    assert_eq!(second.len(), 1);
    assert!(fold.needs(&second).is_empty());
}

#[test]
fn what_is_made_and_changed_in_one_batch_is_not_asked_for() {
    let mut fold = fold_at(&Checkpoints::new());
    let batch = fold.read(history(&[(1, Step::Grant(1)), (1, Step::Commit(1)), (1, Step::Commit(2))]));
    let needed = fold.needs(&batch);
    let holds = needed.iter().find(|needed| needed.table.name == "hold_v1").expect("one is not known");
    assert_eq!(holds.keys.len(), 1);
    assert!(holds.keys[0].partition.ends_with("hold-2"));
}
