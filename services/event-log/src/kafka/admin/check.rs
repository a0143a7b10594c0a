//! What stands in the way of a start on a cluster. Pure: nothing here talks to it.

use super::{
    list::{Partitions, Retention, TopicEntry, TopicList},
    plan::{Existing, MIN_ISR},
};
use crate::kafka::KafkaConfig;
use schemas::ShardCount;

const COPIES_NEEDED: u32 = 3;
const MIN_ISR_NEEDED: u32 = 2;
const UNCLEAN: &str = "unclean.leader.election.enable";

/// Topics of Kafka's own that transactions rest on.
pub(super) const KAFKAS_OWN: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The number of shards, where the topics agree on one.
    pub shards: Option<ShardCount>,
    /// Why the engine cannot run there.
    pub unusable: Vec<String>,
    /// Why what was acknowledged may be lost there.
    pub may_lose: Vec<String>,
}

/// Compares the topics of a cluster, Kafka's own among them, with those of a list.
#[must_use]
pub fn findings(existing: &[Existing], list: &TopicList, config: &KafkaConfig) -> Findings {
    let mut findings = Findings::default();
    let (mut ours, mut missing) = (Vec::new(), Vec::new());
    for entry in &list.topics {
        let name = config.topic(entry.topic);
        match existing.iter().find(|topic| topic.name == name) {
            Some(topic) => ours.push((entry, topic)),
            None => missing.push(name),
        }
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        findings.unusable.push(format!("topics are missing: {missing}; make them with `stockfold topics apply`"));
    }
    findings.count_shards(&ours);
    let kafkas = existing.iter().filter(|topic| KAFKAS_OWN.contains(&topic.name.as_str()));
    findings.look_at_copies(ours.iter().map(|(_, topic)| *topic).chain(kafkas));
    findings.look_at_acknowledging(&ours);
    findings.look_at_keeping(&ours, list);
    findings
}

impl Findings {
    fn count_shards(&mut self, ours: &[(&TopicEntry, &Existing)]) {
        let per_shard = ours.iter().filter(|(entry, _)| entry.partitions == Partitions::PerShard);
        let counts: Vec<_> = per_shard.map(|(_, topic)| (topic.partitions, &topic.name)).collect();
        let Some(&(shards, _)) = counts.first() else { return };
        if counts.iter().any(|(count, _)| *count != shards) {
            let counts: Vec<_> = counts.iter().map(|(count, name)| format!("{name} has {count}")).collect();
            self.unusable.push(format!(
                "topics differ in their number of partitions, which is the number of shards: {}; delete those that are new and \
                 empty, and make them again with `stockfold topics apply`",
                counts.join(", ")
            ));
            return;
        }
        self.shards = ShardCount::new(shards);
        if self.shards.is_none() {
            self.unusable.push(format!("topics have {shards} partitions, and there may be 1 to 4,096 shards"));
        }
    }

    fn look_at_copies<'a>(&mut self, topics: impl Iterator<Item = &'a Existing>) {
        let few = topics.filter(|topic| topic.replication < COPIES_NEEDED);
        let few: Vec<_> = few.map(|topic| format!("{} has {}", topic.name, topic.replication)).collect();
        if !few.is_empty() {
            self.may_lose.push(format!(
                "fewer than {COPIES_NEEDED} copies: {}; `stockfold topics apply` makes {COPIES_NEEDED} of new topics, Kafka's \
                 kafka-reassign-partitions.sh of old ones",
                few.join(", ")
            ));
        }
    }

    /// Of our topics only: what acknowledges a group's positions is a setting of the brokers.
    fn look_at_acknowledging(&mut self, ours: &[(&TopicEntry, &Existing)]) {
        let value = |topic: &Existing, setting| topic.settings.get(setting).cloned().unwrap_or_else(|| "?".to_owned());
        let mut alone = Vec::new();
        let mut unclean = Vec::new();
        for (_, topic) in ours {
            let min_isr = value(topic, MIN_ISR);
            if !min_isr.parse::<u32>().is_ok_and(|count| count >= MIN_ISR_NEEDED) {
                alone.push(format!("{} has {min_isr}", topic.name));
            }
            if value(topic, UNCLEAN) != "false" {
                unclean.push(topic.name.as_str());
            }
        }
        if !alone.is_empty() {
            let alone = alone.join(", ");
            self.may_lose.push(format!("{MIN_ISR} is below {MIN_ISR_NEEDED}: {alone}; run `stockfold topics apply`"));
        }
        if !unclean.is_empty() {
            let unclean = unclean.join(", ");
            self.may_lose.push(format!("{UNCLEAN} is not off: {unclean}; run `stockfold topics apply`"));
        }
    }

    /// What removes records that must stay, and what refuses records that are written.
    fn look_at_keeping(&mut self, ours: &[(&TopicEntry, &Existing)], list: &TopicList) {
        let mut wrong = Vec::new();
        for (entry, topic) in ours {
            for (setting, wanted) in list.settings(entry) {
                let has = topic.settings.get(&setting).map_or("?", String::as_str);
                let is_wrong = match setting.as_str() {
                    "cleanup.policy" => has != wanted,
                    "retention.ms" | "retention.bytes" => entry.retention == Retention::Forever && has != wanted,
                    "max.message.bytes" => has.parse::<u64>().ok() < wanted.parse().ok(),
                    _ => false,
                };
                if is_wrong {
                    wrong.push(format!("{} has {setting} {has} instead of {wanted}", topic.name));
                }
            }
        }
        if !wrong.is_empty() {
            self.may_lose
                .push(format!("topics do not keep what they must: {}; run `stockfold topics apply`", wrong.join(", ")));
        }
    }
}
