//! The core under every disorder that a log and a process can bring: commands that are not taken, answers that are lost or
//! late or come twice, letters of which nobody knows whether they were written, and a process that dies anywhere.

use crate::core::{Core, Effect, Outcome};
use event_log::{DeadLetter, NewRecord, ReadFrom, Record};
use intake::{MacKey, feed::SourcePseudonyms};
use read_model::{Checkpoint, Checkpoints};
use schemas::{
    Command, CommandEnvelope, CommandId, ItemId, Rejection, ReplyBody, Timestamp, Topic,
    item::{ItemCommand, ItemRejection, ItemReply, SupplyFact},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const PARTITIONS: u32 = 2;

/// Numbers without pattern (xorshift64*), the same for the same seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).expect("31 bits") % most
    }

    fn one_in(&mut self, most: usize) -> bool {
        self.below(most) == 0
    }
}

fn record(partition: u32, offset: u64, item: &str, sequence: u64, amount: i64) -> Record {
    let attributes = [
        ("specversion", "1.0"),
        ("type", "stockfold.supplier.price-changed.v1"),
        ("source", "//erp"),
        ("id", "e"),
        ("subject", item),
        ("time", "2026-01-31T12:00:00Z"),
    ];
    let mut headers: Vec<(String, Vec<u8>)> =
        attributes.iter().map(|(name, value)| (format!("ce_{name}"), value.as_bytes().to_vec())).collect();
    headers.push(("ce_sequence".to_owned(), sequence.to_string().into_bytes()));
    let value = json!({"price": {"amount": amount, "currency": "EUR"}}).to_string().into_bytes();
    let (topic, key) = (Topic::SupplierItems, item.to_owned());
    Record { topic, partition, offset, key, envelope: None, headers, value: Some(value) }
}

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    /// Nobody can read it.
    Unreadable,
    /// Its item refuses it: the amount says so.
    Refused,
}

/// Records of two partitions, with what each is, and offsets that are not dense.
fn records(dice: &mut Dice) -> BTreeMap<u32, Vec<(Record, Kind)>> {
    let mut all = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let (mut offset, mut list) = (0, Vec::new());
        for n in 0..30_u64 {
            offset += 1 + dice.below(3) as u64;
            let item = format!("p{partition}-i{}", dice.below(4));
            let kind = match dice.below(5) {
                0 => Kind::Unreadable,
                1 => Kind::Refused,
                _ => Kind::Good,
            };
            let amount = if kind == Kind::Refused { 13 } else { 100 };
            let mut record = record(partition, offset, &item, n, amount);
            if kind == Kind::Unreadable {
                record.value = Some(vec![0xff, b'{']);
            }
            list.push((record, kind));
        }
        all.insert(partition, list);
    }
    all
}

/// Everything that outlives a process.
#[derive(Default)]
struct World {
    /// By item, the sequences that took effect, in order; and how often each command came.
    applied: BTreeMap<ItemId, Vec<u64>>,
    commands: BTreeMap<CommandId, ItemCommand>,
    letters: Vec<NewRecord>,
    checkpoint: Checkpoints,
}

impl World {
    /// Decides a command, as an item does: a repeat is the same answer.
    fn decide(&mut self, envelope: &CommandEnvelope) -> Result<ReplyBody, Rejection> {
        let Command::Item { item, command: ItemCommand::Supply(supply) } = &envelope.command else {
            panic!("{envelope:?}");
        };
        let SupplyFact::PriceChanged { price } = &supply.said else { panic!("{supply:?}") };
        if price.minor() == 13 {
            return Err(Rejection::Item(ItemRejection::KindImmutable));
        }
        let command = ItemCommand::Supply(supply.clone());
        match self.commands.insert(envelope.id.clone(), command.clone()) {
            Some(before) => assert_eq!(before, command, "one id is one command"),
            None => self.applied.entry(item.clone()).or_default().push(supply.sequence),
        }
        Ok(ReplyBody::Item(ItemReply::Done))
    }
}

/// A life of the process.
struct Process {
    core: Core,
    /// By partition, the next record that the reader gives.
    read: BTreeMap<u32, usize>,
    /// Answers on their way.
    replies: VecDeque<(u64, Result<ReplyBody, Rejection>)>,
    now_ms: u64,
}

impl Process {
    fn start(world: &World, records: &BTreeMap<u32, Vec<(Record, Kind)>>) -> Self {
        let sources = SourcePseudonyms::of(&MacKey::new(b"secret"));
        let core = Core::new(1, sources, 0..PARTITIONS, &world.checkpoint);
        let from = |(partition, list): (&u32, &Vec<(Record, Kind)>)| {
            let offset = world.checkpoint.get(&(Topic::SupplierItems, *partition)).map_or(0, |at| at.offset);
            (*partition, list.iter().position(|(record, _)| record.offset >= offset).unwrap_or(list.len()))
        };
        Self { core, read: records.iter().map(from).collect(), replies: VecDeque::new(), now_ms: 0 }
    }

    fn step(&mut self, dice: &mut Dice, world: &mut World, records: &BTreeMap<u32, Vec<(Record, Kind)>>) {
        let now = Timestamp::from_millis(self.now_ms.cast_signed());
        match dice.below(6) {
            0 | 1 if !self.core.is_full() => {
                let partition = u32::try_from(dice.below(2)).expect("small");
                let next = self.read.get_mut(&partition).expect("known");
                if let Some((record, _)) = records[&partition].get(*next) {
                    *next += 1;
                    self.core.take(record.clone(), self.now_ms, now);
                } else {
                    // Behind the last record stand a marker and nothing else.
                    let offset = records[&partition].last().expect("some").0.offset + 2;
                    self.core.reached(ReadFrom { topic: Topic::SupplierItems, partition, offset });
                }
            }
            2 if !self.replies.is_empty() => {
                let at = dice.below(self.replies.len());
                let (job, outcome) = self.replies.remove(at).expect("there");
                self.core.replied(job, &outcome, self.now_ms, now);
                if dice.one_in(4) {
                    // It comes twice.
                    self.replies.push_back((job, outcome));
                }
            }
            3 => {
                self.now_ms += 1 + dice.below(12_000) as u64;
                self.core.tick(self.now_ms);
            }
            4 => {
                let done: Vec<(u32, Checkpoint)> = self.core.done().collect();
                world
                    .checkpoint
                    .extend(done.into_iter().map(|(partition, at)| ((Topic::SupplierItems, partition), at)));
            }
            _ => {}
        }
        for effect in self.core.take_effects() {
            self.perform(effect, dice, world);
        }
    }

    fn perform(&mut self, effect: Effect, dice: &mut Dice, world: &mut World) {
        match effect {
            Effect::Submit { job, command } => {
                let open: Vec<_> = command.reply_to.iter().map(|to| to.request).collect();
                assert_eq!(open, [job]);
                if dice.one_in(5) {
                    self.core.submit_failed(job, self.now_ms);
                } else {
                    let outcome = world.decide(&command);
                    if !dice.one_in(4) {
                        self.replies.push_back((job, outcome));
                    }
                }
            }
            Effect::Keep { job, letter } => {
                // Whether it was written is one question, whether anybody knows another.
                let is_written = !dice.one_in(4);
                if is_written {
                    world.letters.push(*letter);
                }
                if is_written && !dice.one_in(4) {
                    assert_eq!(self.core.kept(job), Some(Outcome::DeadLettered));
                    assert_eq!(self.core.kept(job), None, "it is done once");
                } else {
                    self.core.not_kept(job, self.now_ms);
                }
            }
        }
    }

    fn is_done(&self, records: &BTreeMap<u32, Vec<(Record, Kind)>>) -> bool {
        self.core.open() == 0 && self.read.iter().all(|(partition, next)| *next == records[partition].len())
    }
}

/// By partition and offset, the letters that were written.
fn places(letters: &[NewRecord]) -> BTreeSet<(u64, u64)> {
    let place = |letter: &NewRecord| {
        let fields =
            serde_json::from_slice::<serde_json::Value>(letter.value.as_deref().expect("a value")).expect("JSON");
        let from = &fields["from"];
        (from["partition"].as_u64().expect("a number"), from["offset"].as_u64().expect("a number"))
    };
    letters.iter().map(place).collect()
}

/// That each good record took effect once, and in order where the process lived through; and each bad one is in a letter.
fn check(seed: u64, world: &World, records: &BTreeMap<u32, Vec<(Record, Kind)>>) {
    let mut good: BTreeMap<ItemId, Vec<u64>> = BTreeMap::new();
    let mut bad: BTreeSet<(u64, u64)> = BTreeSet::new();
    for (partition, list) in records {
        for (n, (record, kind)) in list.iter().enumerate() {
            let item = ItemId::parse(&record.key).expect("an id");
            match kind {
                Kind::Good => good.entry(item).or_default().push(n as u64),
                Kind::Unreadable | Kind::Refused => _ = bad.insert((u64::from(*partition), record.offset)),
            }
        }
    }
    assert_eq!(world.applied, good, "seed {seed}");
    assert_eq!(places(&world.letters), bad, "seed {seed}");
    for letter in &world.letters {
        let fields = serde_json::from_slice(letter.value.as_deref().expect("a value")).expect("JSON");
        let letter = DeadLetter { key: letter.key.clone(), kind: event_log::LetterKind::SupplierRecord, fields };
        let from = letter.fields["from"].clone();
        let partition = u32::try_from(from["partition"].as_u64().expect("a number")).expect("small");
        let (record, kind) =
            records[&partition].iter().find(|(record, _)| from["offset"] == record.offset).expect("it was there");
        assert_eq!(letter.original(), record.value, "seed {seed}");
        let code = if *kind == Kind::Refused { "kind_immutable" } else { "invalid_json" };
        assert_eq!(letter.text("code"), Some(code), "seed {seed}");
    }
}

#[test]
fn each_good_record_takes_effect_once_and_in_order_and_each_bad_one_is_kept() {
    for seed in 1..=400 {
        let mut dice = Dice::new(seed);
        let records = records(&mut dice);
        let mut world = World::default();
        let mut process = Process::start(&world, &records);
        let mut steps = 0;
        while !process.is_done(&records) {
            process.step(&mut dice, &mut world, &records);
            if dice.one_in(150) {
                process = Process::start(&world, &records);
            }
            steps += 1;
            assert!(steps < 200_000, "seed {seed} does not come to an end");
        }
        check(seed, &world, &records);
        // What is done is behind the last record, or the next start would read it again.
        for (partition, at) in process.core.done() {
            assert!(at.offset > records[&partition].last().expect("some").0.offset, "seed {seed}");
        }
    }
}

#[test]
fn one_statement_of_an_item_is_under_way_at_a_time() {
    let mut core = Core::new(1, SourcePseudonyms::of(&MacKey::new(b"secret")), 0..1, &Checkpoints::new());
    for n in 0..3 {
        core.take(record(0, n, "tea", n, 100), 0, Timestamp::default());
    }
    core.take(record(0, 3, "cup", 0, 100), 0, Timestamp::default());
    let asked = |core: &mut Core| -> Vec<u64> {
        let effects = core.take_effects().into_iter();
        effects
            .map(|effect| match effect {
                Effect::Submit { job, .. } => job,
                Effect::Keep { .. } => panic!("all are good"),
            })
            .collect()
    };
    assert_eq!(asked(&mut core), [1, 4]);
    let done = Ok::<_, Rejection>(());
    assert_eq!(core.replied(4, &done, 1, Timestamp::default()), Some(Outcome::Taken));
    assert_eq!(core.done().next().expect("a partition").1.offset, 0, "the first is open");
    assert_eq!(core.replied(1, &done, 1, Timestamp::default()), Some(Outcome::Taken));
    assert_eq!(core.replied(1, &done, 1, Timestamp::default()), None);
    assert_eq!((asked(&mut core), core.done().next().expect("a partition").1.offset), (vec![2], 1));
}

#[test]
fn what_waits_is_bounded_by_its_bytes() {
    let mut core = Core::new(1, SourcePseudonyms::of(&MacKey::new(b"secret")), 0..1, &Checkpoints::new());
    let mut taken = 0;
    while !core.is_full() {
        let mut large = record(0, taken, "tea", taken, 100);
        large.value = Some(vec![b' '; 1 << 20]);
        core.take(large, 0, Timestamp::default());
        taken += 1;
        assert!(taken < 100, "it takes what there is");
    }
    assert!((4..=16).contains(&taken), "{taken} of 1 MiB each");
}
