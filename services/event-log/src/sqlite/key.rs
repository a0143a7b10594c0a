//! How a place in the log becomes the integer key of a row.

use schemas::Topic;

/// The bits of an offset: 140 million million records in a partition.
const OFFSET_BITS: u32 = 47;
/// The bits of a partition: 4,096, as many as there may be shards.
const PARTITION_BITS: u32 = 12;

/// The number of a topic, in stored keys but for those of the states (see [`row_id`]). Changing one orphans its records.
pub(super) const fn code(topic: Topic) -> u8 {
    match topic {
        Topic::Commands => 1,
        Topic::InternalCommands => 2,
        Topic::InventoryEvents => 3,
        Topic::OrdersEvents => 4,
        Topic::Snapshots => 5,
        Topic::DeadLetters => 6,
        Topic::Replies => 7,
        Topic::CartsEvents => 8,
        Topic::StoresEvents => 9,
        Topic::WarehousesEvents => 10,
        Topic::DropsEvents => 11,
        Topic::FollowsEvents => 12,
        Topic::ShoppersEvents => 13,
        Topic::SupplierItems => 14,
        Topic::ItemsState => 15,
        Topic::StockState => 16,
        Topic::OrdersState => 17,
    }
}

/// Where a topic stands in arrays by topic.
pub(super) const fn index(topic: Topic) -> usize {
    code(topic) as usize - 1
}

/// A set of topics, as bits.
pub(super) const fn bit(topic: Topic) -> u32 {
    1 << index(topic)
}

/// One number per topic.
pub(super) type ByTopic = [u64; Topic::ALL.len()];

/// The number of a topic in the keys of its table: four bits are too few for all topics, so those of states have a table
/// of their own, where they begin at 1 again.
const fn stored_code(topic: Topic) -> u8 {
    match topic {
        Topic::ItemsState | Topic::StockState | Topic::OrdersState => code(topic) - code(Topic::SupplierItems),
        _ => code(topic),
    }
}

/// The key of the row that begins at `offset`: topic (4 bits), partition (12), offset (47). One partition's rows stand
/// together, in order.
pub(super) fn row_id(topic: Topic, partition: u32, offset: u64) -> i64 {
    assert!(partition < 1 << PARTITION_BITS, "a partition has {PARTITION_BITS} bits");
    assert!(offset < 1 << OFFSET_BITS, "an offset has {OFFSET_BITS} bits");
    (place(topic, partition) << OFFSET_BITS | offset).cast_signed()
}

/// The part of a key that says which partition it is.
pub(super) fn place(topic: Topic, partition: u32) -> u64 {
    u64::from(stored_code(topic)) << PARTITION_BITS | u64::from(partition)
}

/// The offset of a key.
pub(super) const fn offset(row_id: i64) -> u64 {
    row_id.cast_unsigned() & ((1 << OFFSET_BITS) - 1)
}

/// The lowest and the highest key of a partition.
pub(super) fn partition_range(topic: Topic, partition: u32) -> (i64, i64) {
    (row_id(topic, partition, 0), row_id(topic, partition, (1 << OFFSET_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_partition_stand_together_in_order() {
        let keys = [
            row_id(Topic::InternalCommands, 4_095, (1 << 47) - 1),
            row_id(Topic::InventoryEvents, 0, 0),
            row_id(Topic::InventoryEvents, 0, 1),
            row_id(Topic::InventoryEvents, 1, 0),
            row_id(Topic::DeadLetters, 4_095, 7),
        ];
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|key| *key > 0));
        assert_eq!(offset(keys[4]), 7);
    }

    #[test]
    fn every_topic_has_keys_of_its_own_in_its_table() {
        for states in [true, false] {
            let of_table = || Topic::ALL.into_iter().filter(|topic| Topic::STATES.contains(topic) == states);
            let places: std::collections::BTreeSet<_> = of_table().map(|topic| place(topic, 7)).collect();
            assert_eq!(places.len(), of_table().count());
            assert!(of_table().all(|topic| row_id(topic, 4_095, (1 << 47) - 1) > 0));
        }
    }
}
