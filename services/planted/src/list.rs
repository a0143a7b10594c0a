//! The bugs, by what they break.

use crate::{
    Bug,
    Catcher::{self, Simulation},
};

const fn test(package: &'static str, test: &'static str) -> Catcher {
    Catcher::Test { package, test }
}

/// Name and what is wrong; what must not be broken; who must see it.
macro_rules! bugs {
    ($($name:literal: $what:literal; $invariant:literal; $catcher:expr,)*) => {
        /// Every bug that can be planted.
        pub const ALL: &[Bug] =
            &[$(Bug { name: $name, what: $what, invariant: $invariant, catcher: $catcher }),*];
    };
}

bugs! {
    // Stock.
    "undecremented-stock": "a hold is checked against the sellable units, not against what is left of them";
        "never-oversold"; Simulation,
    "safety-sold": "the units kept back by `safety` are sold too";
        "conservation, never-oversold"; Simulation,
    "receipt-twice": "a receipt that is sent again is booked again";
        "one-decision-per-id"; Simulation,
    "release-twice": "a hold that was released or has expired gives its units back again";
        "conservation, engine-asserts"; Simulation,
    "expired-hold-kept": "a hold that expires does not give its units back";
        "conservation"; Simulation,
    "ship-beyond-order": "more units leave than were ordered under the hold";
        "reply-equals-model, engine-asserts, conservation"; Simulation,
    "shortfall-unrecorded": "a count that leaves less than is promised says nothing of it";
        "shortfall-on-record"; Simulation,
    "repeat-tells-active": "a hold that is placed again is told active, whatever became of it";
        "reply-equals-model"; Simulation,
    "wrong-location": "received units are booked at the first location of the item";
        "events-equal-model"; Simulation,
    "stale-count-accepted": "a count is taken whatever the record was when the counting began";
        "refused-is-refused"; Simulation,
    "price-unchecked": "a hold is granted at another price than the buyer saw";
        "refused-is-refused"; Simulation,

    // What suppliers say.
    "supply-sequence-unchecked": "a supplier's statement is taken whatever newer one of the same source is known";
        "supply-converges, one-decision-per-id"; Simulation,
    "supply-oldest-source-wins": "of two suppliers, the one is believed on facts and price whose statement is as of earlier";
        "supply-converges"; Simulation,
    "supply-other-sources-older-wins": "of two suppliers, the one is believed on stock whose report is as of earlier";
        "supply-converges"; Simulation,
    "supply-last-report-wins": "the report that came last counts, and not the newest";
        "supply-converges"; Simulation,
    "supply-receipt-twice": "a supplier's receipt that comes again is booked again";
        "supply-converges, one-decision-per-id"; Simulation,
    "supply-receipt-unrecorded": "the units that a supplier tells of are booked, and its statement is not on record";
        "supply-conserves, engine-asserts"; Simulation,
    "supply-late-receipt-counted-twice": "a supplier's receipt that a report counted already is added to it";
        "supply-converges"; Simulation,
    "supply-report-overwrites-shipped": "a supplier's report undoes what was booked since its time";
        "supply-converges"; Simulation,
    "supply-report-overwrites-holds": "a supplier's report is taken for what may be sold beside what is held";
        "supply-converges, engine-asserts"; Simulation,

    "feed-out-of-order": "two statements about one item are under way at once";
        "one statement of an item at a time, in the order of their records";
        test("inbound", "schedule_tests::one_statement_of_an_item_is_under_way_at_a_time"),
    "feed-refusal-lost": "a supplier's record whose item refuses it is done, and nobody is told";
        "each bad record is in the dead letters";
        test("inbound", "schedule_tests::each_good_record_takes_effect_once_and_in_order_and_each_bad_one_is_kept"),
    "feed-letter-not-awaited": "a supplier's record is done before its dead letter is durable";
        "each bad record is in the dead letters";
        test("inbound", "schedule_tests::each_good_record_takes_effect_once_and_in_order_and_each_bad_one_is_kept"),
    "feed-known-by-id": "a supplier's event that comes again under another id is another command";
        "an event is known by source and sequence";
        test("intake", "feed::tests::an_event_that_comes_again_is_the_same_command_whoever_read_it"),
    "feed-key-unchecked": "a record about one item may be sent under another's key";
        "subject and key name the same item"; test("intake", "feed::tests::each_fault_has_its_code"),

    // Orders and money.
    "partial-hold-kept": "an order that one item refuses keeps what the others hold";
        "every-hold-ends, nothing-is-forgotten"; Simulation,
    "expired-and-confirmed": "a late payment confirms an expired order, whose units are free again";
        "orders-take-steps, engine-asserts"; Simulation,
    "cancelled-units-kept": "lines are cancelled, and their items never hear of it";
        "stock-equals-orders, nothing-is-forgotten"; Simulation,
    "refund-twice": "what is due back is reckoned without what became due back before";
        "money-adds-up"; Simulation,
    "refund-forgotten": "what an order keeps no longer is not given back where nobody waits for an answer";
        "money-adds-up"; Simulation,
    "capture-of-refunded": "the provider is asked to take what is due back already";
        "money-adds-up"; Simulation,
    "wrapping-total": "quantity times price is reckoned in 64 bits, and wraps";
        "a total that is too large is refused by name";
        test("domain", "order::tests::answers::a_total_beyond_exact_numbers_rejects"),
    "cancel-after-ship": "units that have shipped are cancelled as if they were here";
        "conservation, refused-is-refused, engine-asserts"; Simulation,
    "plan-of-old-revision-taken": "a plan is taken whatever was due when it was made";
        "plans-are-right, reply-equals-model, engine-asserts"; Simulation,
    "allocation-refusal-ignored": "what an item could not allocate counts as allocated";
        "allocations-agree, units-add-up, events-equal-model"; Simulation,
    "deallocated-units-lost": "units that an item gave up are not planned again";
        "allocations-agree"; Simulation,
    "return-beyond-shipped": "units are announced to come back that never left";
        "returns-once, refused-is-refused, engine-asserts"; Simulation,
    "refund-of-return-twice": "a receipt of a return that is sent again refunds and restocks again";
        "one-decision-per-id, returns-once, money-adds-up, reply-equals-model"; Simulation,
    "hold-closed-early": "an order closes its holds with the last shipment, while returns are still announced";
        "no-early-expiry"; Simulation,
    "hold-kept-after-returns": "items never hear that the return window of an order is over";
        "every-hold-ends"; Simulation,
    "late-return-refused": "what comes back of a hold that was closed and has left is not restocked";
        "returns-once"; Simulation,
    "cart-never-told": "the cart does not hear how its order ended, and stays locked";
        "carts-agree"; Simulation,
    "checkpoint-ahead": "the checkpoint of payments, or of fulfilment, passes what is not done yet";
        "every payment that is due is asked for, also after a restart";
        test("payments", "core_tests::the_checkpoint_stays_before_the_first_open_job"),
    "refund-before-capture": "jobs of one payment run side by side";
        "a payment is captured before it is refunded";
        test("payments", "core_tests::a_refund_waits_for_the_capture_of_its_payment"),
    "refund-of-uncaptured-as-refund": "money that was reserved and never taken is refunded, not released";
        "what is due back of an uncaptured payment is a void";
        test("payments", "ask::tests::what_was_not_taken_is_released_and_what_was_taken_is_refunded"),
    "webhook-signature-over-parsed-json": "the signature of a webhook is reckoned over what its body means, not over its bytes";
        "a signature is over the raw bytes";
        test("payments", "signature_tests::the_published_example_verifies"),
    "replay-window-open": "a webhook counts however long ago it was sent";
        "a webhook is taken within five minutes, both ways";
        test("payments", "signature_tests::a_message_counts_within_five_minutes_both_ways"),
    "second-secret-unused": "of two secrets for webhooks only the first counts";
        "a secret is changed without losing a webhook";
        test("payments", "signature_tests::either_of_two_secrets_counts_and_no_third"),
    "webhook-signature-unchecked": "a webhook counts whoever sent it";
        "a webhook is signed by the provider";
        test("command-api", "tests::webhooks::what_is_not_signed_as_it_came_is_refused"),
    "capture-of-unknown-lost": "money that was taken of a payment which nobody knows is not recorded";
        "every capture ends in an order or a refund";
        test("command-api", "tests::webhooks::money_that_was_taken_for_no_order_is_given_back"),
    "pending-waits-for-ever": "who pays is not told that the provider decides later";
        "a payment that is decided later is answered as pending";
        test("domain", "order::tests::pending::is_told_to_whoever_waits"),

    // Fulfilment.
    "plan-beyond-offer": "who has some of an item is taken to have all that is wanted of it";
        "plans-are-right, due-is-planned"; Simulation,
    "priority-ignored": "a near warehouse ships before one with a lower priority number";
        "plans-are-right"; Simulation,

    // Carts.
    "cart-unlocked-change": "a cart that a checkout locks is changed all the same";
        "carts-agree, refused-is-refused, reply-equals-model"; Simulation,
    "cart-key-forgotten": "a change of a cart that comes again changes it again";
        "one-decision-per-id, engine-asserts"; Simulation,
    "merge-twice": "a guest's cart keeps the lines that it handed over";
        "merge-moves-once, events-equal-model, reply-equals-model"; Simulation,
    "own-hold-blocks": "a checkout does not make older ones of its shopper make way";
        "events-equal-model"; Simulation,
    "own-hold-not-counted": "what a shopper's own checkouts hold is not available to them";
        "reply-equals-model"; Simulation,
    "checkout-ended-keeps-lines": "what was bought stays in the cart";
        "events-equal-model"; Simulation,
    // Drops, follows and shoppers.
    "drop-limit-of-paid": "a shopper's limit counts what is paid for, and not what is held";
        "limit-per-shopper, engine-asserts, refused-is-refused"; Simulation,
    "draw-ignores-seed": "early shoppers are admitted in the order of joining";
        "admitted-in-order"; Simulation,
    "admits-more-than-free": "one more is admitted than units are free";
        "never-more-admitted-than-free, engine-asserts"; Simulation,
    "admission-runs-out-while-held": "the clocks of admissions go on while no unit is free";
        "no-early-expiry, events-equal-model, reply-equals-model"; Simulation,
    "claim-after-end-kept": "units of a claim that is released after the end do not go back to their item";
        "drops-end, drop-units-agree"; Simulation,
    "allotment-returned-twice": "what nobody claimed goes back to the item under two ids";
        "drop-units-agree, engine-asserts"; Simulation,
    "claim-without-admission": "units are claimed by who was not admitted";
        "admitted-in-order, refused-is-refused, engine-asserts"; Simulation,
    "ticket-of-old-place": "a ticket of another place is as good as that of the newest";
        "refused-is-refused, reply-equals-model"; Simulation,
    "sold-out-for-ever": "a drop that was sold out stays so when units come back";
        "a drop that was sold out goes on when units come back";
        test("domain", "drop::tests::bought::cancelled_units_come_back_into_the_allotment_while_it_runs"),
    "followed-twice": "who follows a store already follows it once more";
        "one-decision-per-id, engine-asserts"; Simulation,
    "told-twice": "a shopper is told of the same thing each time that somebody tells it";
        "one-decision-per-id, engine-asserts"; Simulation,
    "plan-on-stale-view": "a plan is made from views that have not folded what it must know";
        "a plan is made on views that have passed all of the log that concerns it";
        test("fulfilment", "look::tests::views_that_are_behind_in_one_partition_are_waited_for"),
    "backorder-never-woken": "units that come free wake nobody who waits for them";
        "backordered units are planned when stock comes";
        test("fulfilment", "world_tests::no_order_waits_while_there_are_units_for_it"),

    // The shard.
    "position-too-low": "the position token of an answer names the event before";
        "positions-are-whole, answered-is-in-log"; Simulation,
    "command-consumed-twice": "the offset of the last client command is committed as the next one to read";
        "one-answer"; Simulation,
    "internal-command-skipped": "a new owner goes on after the first internal command that nobody has consumed";
        "every-hold-ends, every-order-ends, nothing-is-forgotten, answered-is-in-log"; Simulation,
    "waiter-forgotten": "who asks for what somebody waits for already is not told";
        "answered-is-in-log"; Simulation,
    "time-goes-back": "an event takes the clock's time, also where that is before the last event's";
        "time-never-goes-back"; Simulation,
    "expiry-by-newest-event":
        "what is due is reckoned by the newest event, not by the time at which all commands were consumed";
        "a command that stands in the log before a deadline wins";
        test("processor", "tests::deadlines::what_is_due_between_the_clock_and_the_last_event_waits_for_the_clock"),
    "aborted-kept": "after an aborted commit the shard goes on with the state that was not written";
        "on any outcome but Committed the state is thrown away";
        test("processor", "outcomes::what_an_abort_took_is_decided_again"),
    "indefinite-as-committed": "a commit of which nobody knows the end is taken for done";
        "on any outcome but Committed the state is thrown away";
        test("processor", "outcomes::what_became_of_an_indefinite_commit_is_learnt_from_the_log"),

    // Recovery.
    "deadline-lost-at-recovery": "a deadline that comes out of a snapshot is not scheduled";
        "every-hold-ends, carts-agree"; Simulation,
    "ids-forgotten-at-recovery": "ids of holds that are over are not restored from a snapshot";
        "same-state-from-anywhere"; Simulation,
    "snapshot-newer-than-log": "a snapshot says that it ends one event before it does";
        "positions-are-whole, same-state-from-anywhere, positions-never-go-back, reply-equals-model"; Simulation,
    "replay-into-snapshot": "events that a snapshot holds already are applied to it again";
        "same-state-from-anywhere, engine-asserts"; Simulation,
    "evicted-and-forgotten": "a finished aggregate leaves memory, and where its snapshot is leaves with it";
        "same-state-from-anywhere, one-decision-per-id, engine-asserts"; Simulation,
    "shorter-log-accepted": "a log that ends before its checkpoint is taken as it is";
        "a truncated log stops the shard";
        test("processor", "tests::recovers::a_log_that_ends_before_its_checkpoint_stops_the_shard"),
    "replay-over-gap": "a recovery reads over a missing event";
        "seq is dense"; test("processor", "tests::recovers::a_gap_stops_the_shard"),
    "fork-replayed": "a recovery passes over an event that was written twice in one epoch";
        "a forked history stops the shard"; test("processor", "tests::recovers::a_repeat_of_the_same_epoch_is_a_fork"),

    // The log.
    "reply-on-produce": "answers of a batch go out also where its commit fails";
        "one-answer, answered-is-in-log"; Simulation,
    "reply-before-sync": "answers go out when a batch is handed over, before it is on the disk";
        "what was answered stands in the file";
        test("event-log", "sqlite::a_failed_write_ends_the_process_and_answers_nobody"),
    "fenced-lease-writes": "a lease goes on after another owner has taken the shard";
        "one writer per shard"; test("event-log", "contract::leases::sqlite::a_second_lease_fences_the_first"),
    "epoch-reused": "a lease's epoch is not stored with its first events";
        "epochs rise with every lease, over restarts too";
        test("event-log", "contract::leases::sqlite::epochs_rise_over_restarts"),
    "outbox-in-memory": "internal commands are delivered and not written";
        "a batch is durable as a whole: internal commands survive a restart";
        test("event-log", "contract::commands::sqlite::a_restart_delivers_what_was_not_consumed"),
    "clock-before-drained": "a poll that left commands behind says that it took all";
        "no-early-expiry";
        test("event-log", "contract::commands::sqlite::a_poll_takes_no_more_than_it_asks_for"),
    "unbounded-inbox": "the inbox of a shard takes as many commands as clients send";
        "a full inbox refuses clients";
        test("event-log", "contract::commands::sqlite::an_inbox_is_bounded_for_clients_and_not_for_shards"),
    "shortcut-overtakes": "commands are taken in memory before those that the process sent by the log";
        "commands of one process are decided in their order";
        test("event-log", "shortcut::tests::nothing_is_taken_before_the_log_has_been"),
    "shortcut-forgets": "what waits in memory is gone with the lease that has not taken it";
        "what a lease did not take is for the next";
        test("event-log", "contract::commands::simulated_cluster::what_a_lease_did_not_take_is_for_the_next"),
    "reader-over-gap": "a reader goes on after events that are missing";
        "seq is dense, and a reader checks it";
        test("event-log", "sqlite::damage::missing_and_moved_batches_stop_the_reader"),

    // Views.
    "counter-in-view": "an event that is folded again counts again in its row";
        "views-equal-fold, engine-asserts"; Simulation,
    "fold-without-seq": "a projector folds on after a missing event";
        "a gap stops the partition"; test("projector", "fold::a_gap_stops_and_nothing_after_it_is_folded"),
    "fold-without-epoch": "a projector passes over an event that was written twice in one epoch";
        "a forked history stops the partition"; test("projector", "fold::a_repeat_of_the_same_epoch_stops"),
    "parked-key-folded": "a later event of a key that is parked is folded";
        "a parked key waits as a whole"; test("projector", "parking::an_event_that_cannot_be_read_parks_its_key_and_the_others_go_on"),
    "letter-after-checkpoint": "the checkpoint passes an event that is parked before its dead letter is in the log";
        "no checkpoint passes a letter";
        test("projector", "runner::no_checkpoint_passes_an_event_whose_letter_is_not_in_the_log"),
    "redrive-out-of-order": "the events of a key that is redriven are folded newest first";
        "what was parked is folded as if it never had been";
        test("projector", "parking_props::what_was_parked_is_folded_in_the_end_as_if_it_never_had_been"),
    "checkpoint-before-rows": "the checkpoint is written before the rows that it stands for";
        "never a checkpoint before its rows"; test("read-model", "contract::a_write_that_fails_moves_no_checkpoint"),
    "older-row-wins": "the row that is written last stands, whatever its version";
        "of a row the higher version wins, in any order"; test("read-model", "contract::sqlite_keeps_the_contract"),
    "sale-counted-twice": "an order that is folded again counts again in the numbers of the shop";
        "a replay counts nothing twice"; test("read-model", "views::sales::a_replay_counts_nothing_twice"),
    "cancelled-still-counted": "what is cancelled after its confirmation still counts as bought and as turnover";
        "what is cancelled is taken back to the cent";
        test("read-model", "views::sales::what_is_cancelled_or_comes_back_is_taken_back_to_the_cent"),
    "turnover-of-another-day": "what is sold counts on the next day";
        "turnover counts on the day of its event";
        test("read-model", "views::sales::a_cancellation_counts_on_its_own_day"),
    "turnover-of-no-store": "what a store sells counts as the shop's own turnover";
        "turnover counts at the store that sells";
        test("read-model", "views::sales::what_is_confirmed_is_counted_and_nothing_before"),

    // HTTP, tokens and keys.
    "owner-unchecked": "anybody may cancel any order";
        "reply-equals-model"; Simulation,
    "hold-of-another": "a caller may commit, release and ship another caller's hold";
        "reply-equals-model"; Simulation,
    "order-shown-to-anyone": "GET of an order does not look whose it is";
        "somebody else's order is 404";
        test("query-api", "orders::an_order_is_seen_by_its_shopper_and_by_who_is_trusted"),
    "sellers-see-all": "a store that sells a line of an order sees all of it";
        "a store sees its own lines, and nothing of others";
        test("query-api", "orders_of_stores::a_store_sees_its_own_lines_and_nothing_of_others"),
    "sellers-cancel-all": "a store that sells a line of an order cancels any line of it";
        "refused-is-refused, reply-equals-model, events-equal-model"; Simulation,
    "location-unchecked": "a warehouse books receipts at every location";
        "a warehouse changes its own location only";
        test("command-api", "tests::stock::a_warehouse_changes_its_own_location_only"),
    "key-without-caller": "two callers with the same Idempotency-Key ask for one effect";
        "an idempotency key is its caller's own";
        test("intake", "effects::tests::the_same_key_of_two_callers_is_two_effects"),
    "key-without-body": "the same Idempotency-Key with another body gets the first answer";
        "a key that comes with other content is refused";
        test("command-api", "tests::checkout::a_retry_joins_the_order_and_another_body_is_refused"),
    "view-not-awaited": "a read with a token is answered once one of its positions is folded";
        "a read that presents a token sees all that the token names";
        test("query-api", "progress::tests::covers_when_every_position_is_folded"),
    "unbounded-stream": "a stream of the log takes chunks that its reader does not fetch";
        "a slow reader makes the stream wait";
        test("query-api", "log::stream::tests::a_slow_reader_makes_the_writer_wait"),
    "cursor-unauthenticated": "a cursor's tag is not looked at";
        "only this deployment makes cursors, and each fits one list";
        test("edge", "page::tests::refuses_forged_foreign_and_mixed_cursors"),
    "alg-none-accepted": "a token without a signature counts";
        "a token is signed, by one of the fixed algorithms";
        test("edge", "auth::tests::refuses_alg_none_in_every_spelling"),
    "signature-unchecked": "a token counts whoever signed it";
        "a token is signed with our key"; test("edge", "auth::tests::refuses_other_algorithms_and_keys"),
    "audience-unchecked": "a token counts that was made for another service";
        "exp, iss and aud are required and ours";
        test("edge", "auth::tests::refuses_claims_that_are_missing_or_foreign"),
    "expiry-unchecked": "a token counts for ever";
        "exp, iss and aud are required and ours";
        test("edge", "auth::tests::refuses_claims_that_are_missing_or_foreign"),
    "forgotten-still-mailed": "who was forgotten is told by e-mail all the same";
        "nothing that was said of oneself holds after one was forgotten";
        test("domain", "shopper::tests::who_is_forgotten_is_as_before_they_had_said_anything"),
    "states-unread": "a state writer never looks at what others wrote to the state topics";
        "the last record of a key is its row, whoever wrote last";
        test("projector", "state::whoever_writes_last_the_last_record_of_a_key_is_its_row"),
    "forgotten-over-open-orders": "a person is forgotten while something is still to be delivered to them";
        "who is forgotten has no open order, unless it is forced";
        test("command-api", "tests::forget::who_has_an_open_order_is_forgotten_only_by_force"),
    "destroyed-key-opens": "a person's keys outlive their destruction";
        "who is forgotten cannot be read again"; test("keys", "sqlite::tests::keeps_the_contract"),
}
