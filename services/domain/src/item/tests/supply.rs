//! What a supplier says of stock, in the order of the checks.

use super::{kit::*, supply_kit::*};
use crate::item::trail::{MAX_BOOKED, MAX_RECEIVED};
use schemas::{Role, item::*};

/// What a statement leaves at `main`, beside itself: the types of the events, and the sellable units.
#[track_caller]
fn leaves(given: Given, c: Supply, types: &[&str], sellable: u64) -> Given {
    let when = given.when(ask(c)).replies(ItemReply::Done);
    let levels = when.given.item.levels();
    assert_eq!(when.given.item.buckets(&location("main")).sellable, sellable);
    when.leaves(types, levels).given
}

const COUNTED: &[&str] = &["supply-recorded", "stock-counted"];
const RECEIVED: &[&str] = &["supply-recorded", "stock-received"];
const EXPLAINED: &[&str] = &["supply-recorded", "stock-received", "stock-counted"];

#[test]
fn refuses_a_stranger_before_it_tells_what_exists() {
    let known = said(1, 9, reported("main", 5));
    let given = given().and(ask(known.clone()));
    for role in [Role::Shopper, Role::Analyst] {
        given.clone().by(caller(role)).when(ask(known.clone())).refuses(ItemRejection::ItemNotFound);
    }
    given.clone().by(caller(Role::Store)).when(ask(known.clone())).refuses(ItemRejection::ItemOfAnotherStore);
    for role in [Role::Supplier, Role::Warehouse, Role::Service] {
        given.clone().by(caller(role)).when(ask(known.clone())).then_nothing();
    }
}

#[test]
fn refuses_the_same_number_with_other_content() {
    let differs = ItemRejection::ExistsWithDifferentContent;
    let given = given().and(ask(said(1, 9, reported("main", 5)))).and(ask(said(2, 8, came("main", 3))));
    given.clone().when(ask(said(1, 9, reported("main", 6)))).refuses(differs.clone());
    given.clone().when(ask(said(1, 8, reported("main", 5)))).refuses(differs.clone());
    given.clone().when(ask(said(1, 9, priced(gbp(3))))).refuses(differs.clone());
    given.clone().when(ask(said(2, 8, came("main", 4)))).refuses(differs.clone());
    // Long after ids are forgotten too, where it is the newest.
    let later = (0..8).fold(given.seconds_later(30 * 3_600), |given, n| given.and(set_safety(n)));
    later.clone().when(ask(said(1, 9, reported("main", 6)))).refuses(differs.clone());
    later.when(ask(said(2, 8, came("main", 4)))).refuses(differs);
}

#[test]
fn refuses_a_digital_item() {
    given_digital().when(ask(said(1, 9, reported("main", 5)))).refuses(ItemRejection::DigitalHasNoStock);
    given_digital().when(ask(said(1, 9, came("main", 5)))).refuses(ItemRejection::DigitalHasNoStock);
}

#[test]
fn refuses_what_is_as_of_more_than_five_minutes_from_now() {
    for fact in [reported("main", 5), came("main", 5), priced(gbp(5)), SupplyFact::Delisted] {
        given().when(ask(said(1, -301, fact.clone()))).refuses(ItemRejection::TimeInFuture);
        given().when(ask(said(1, -300, fact))).replies(ItemReply::Done);
    }
}

#[test]
fn refuses_one_source_too_many() {
    let from = |n: usize| by(&format!("s{n}"), 1, ago(9), reported("main", n as u64));
    let full = (0..16).fold(given(), |given, n| given.and(ask(from(n))));
    full.clone().when(ask(from(16))).refuses(ItemRejection::TooManySources { limit: 16 });
    full.when(ask(by("s3", 2, ago(8), came("main", 1)))).replies(ItemReply::Done);
}

#[test]
fn refuses_a_report_of_before_what_is_remembered_one_by_one() {
    let too_old = |seconds: i64| ItemRejection::ReportTooOld {
        location: location("main"),
        oldest: NOW.plus_millis(seconds * 1_000 + 1),
    };
    let at = |seconds: i64| NOW.plus_millis(seconds * 1_000);
    // By number.
    let mut given = given();
    for n in 0..=MAX_BOOKED {
        given = given.and(receive(&format!("r{n}"), "main", 1)).seconds_later(1);
    }
    given.clone().when(ask(by("erp", 1, at(0), reported("main", 5)))).refuses(too_old(0));
    given.clone().when(ask(by("erp", 1, at(0), came("main", 5)))).refuses(too_old(0));
    let late = leaves(given.clone(), by("erp", 1, at(1), reported("main", 5)), COUNTED, 5 + MAX_BOOKED as u64);
    leaves(late, by("erp", 2, at(1), came("main", 5)), EXPLAINED, 5 + MAX_BOOKED as u64);
    // Where nothing was booked, any time is good.
    given.when(ask(by("erp", 1, at(-900_000), reported("elsewhere", 5)))).replies(ItemReply::Done);
    // By time: what is older than a day when something is booked.
    let given = given_stock(3).seconds_later(24 * 3_600);
    let day_old = given.clone().and(receive("r", "main", 1));
    day_old.when(ask(by("erp", 1, at(0), reported("main", 5)))).replies(ItemReply::Done);
    let older = given.seconds_later(1).and(receive("r", "main", 1));
    older.clone().when(ask(by("erp", 1, at(0), reported("main", 5)))).refuses(too_old(0));
    leaves(older, by("erp", 1, at(1), reported("main", 5)), COUNTED, 6);
}

#[test]
fn a_receipt_is_known_for_as_long_as_it_would_be_taken() {
    let receipt = |n: u64| said(n, 1_000 - n as i64, came("main", 1));
    let all = MAX_RECEIVED as u64 + 1;
    let given = (1..=all).fold(given(), |given, n| given.and(ask(receipt(n))));
    // Its id is forgotten after a day.
    let given = (0..300).fold(given.seconds_later(30 * 3_600), |given, n| given.and(set_safety(n % 2)));
    let oldest = ago(999).plus_millis(1);
    let too_old = ItemRejection::ReportTooOld { location: location("main"), oldest };
    given.clone().when(ask(receipt(1))).refuses(too_old);
    for n in [2, 3, all] {
        given.clone().when(ask(receipt(n))).then_nothing();
    }
    leaves(given, said(all + 1, 998, came("main", 1)), RECEIVED, all + 1);
}

#[test]
fn refuses_more_than_a_location_holds() {
    let too_large = ItemRejection::StockTooLarge;
    given().when(ask(said(1, 9, reported("main", 1_000_000_001)))).refuses(too_large.clone());
    given().when(ask(said(1, 9, reported("main", u64::MAX)))).refuses(too_large.clone());
    let full = given().and(ask(said(1, 9, reported("main", 1_000_000_000))));
    full.when(ask(said(2, 8, came("main", 1)))).refuses(too_large.clone());
    let damaged = given_stock(5).and(move_stock("m", Bucket::Sellable, Bucket::Damaged, 5));
    damaged.when(ask(said(1, 0, reported("main", 999_999_996)))).refuses(too_large);
}

#[test]
fn refuses_one_location_too_many() {
    let full = (0..1_000).fold(given(), |given, n| given.and(receive(&format!("r{n}"), &format!("at-{n}"), 1)));
    full.clone().when(ask(said(1, 9, reported("main", 1)))).refuses(ItemRejection::TooManyLocations);
    full.when(ask(said(1, 0, reported("at-7", 1)))).replies(ItemReply::Done);
}

#[test]
fn a_report_sets_what_lies_there() {
    let report = said(1, 0, reported("main", 9));
    let counted = StockCounted {
        effect: report.effect.clone(),
        delta: 9,
        reason: "as the supplier reports".to_owned(),
        shipment_of: None,
        feed: Some(source("erp")),
        stock: levels(9, 9),
        place: at_main(9),
    };
    given().when(ask(report.clone())).then([on_record(&report), counted.into()]).replies(ItemReply::Done);
}

#[test]
fn a_report_of_what_is_known_is_on_record_and_changes_nothing() {
    let report = said(1, -1, reported("main", 5));
    given_stock(5).when(ask(report.clone())).then([on_record(&report)]);
}

#[test]
fn a_report_of_nothing_makes_the_location_known() {
    leaves(given(), said(1, 9, reported("main", 0)), COUNTED, 0);
}

#[test]
fn an_older_report_of_the_source_makes_no_event() {
    let given = given().and(ask(said(7, 9, reported("main", 5))));
    given.clone().when(ask(said(6, 1, reported("main", 8)))).then_nothing().replies(ItemReply::Done);
    // However old it is.
    given.when(ask(said(6, 99_999_999, reported("main", 8)))).then_nothing();
}

#[test]
fn of_two_sources_the_report_that_is_as_of_later_counts() {
    let given = leaves(given(), by("a", 1, ago(9), reported("main", 5)), COUNTED, 5);
    let given = leaves(given, by("b", 1, ago(8), reported("main", 6)), COUNTED, 6);
    let given = leaves(given, by("a", 2, ago(9), reported("main", 7)), &["supply-recorded"], 6);
    // The same time: the source decides.
    let given = leaves(given, by("a", 3, ago(8), reported("main", 8)), &["supply-recorded"], 6);
    let given = leaves(given, by("c", 1, ago(8), reported("main", 9)), COUNTED, 9);
    // Whoever takes back what was believed leaves it to the next one.
    leaves(given, by("c", 2, ago(20), reported("main", 1)), COUNTED, 6);
}

#[test]
fn a_late_report_does_not_undo_what_was_booked_since() {
    let given = given_stock(5).seconds_later(10).and(hold(of_order("o"), 3)).and(commit(of_order("o")));
    let given = given.and(ship("s", of_order("o"), None, "main", Some(2)));
    let given = given.and(move_stock("m", Bucket::Sellable, Bucket::Damaged, 1)).and(receive("r", "main", 4));
    // As of before all of it: 20, less two, less one, and four.
    leaves(given.clone(), by("erp", 1, NOW.plus_seconds(5), reported("main", 20)), COUNTED, 21);
    // As of when it was booked: not part of it.
    leaves(given.clone(), by("erp", 1, NOW.plus_seconds(10), reported("main", 20)), COUNTED, 21);
    leaves(given, by("erp", 1, NOW.plus_seconds(11), reported("main", 20)), COUNTED, 20);
}

#[test]
fn a_count_by_hand_stands_against_reports_of_before_it() {
    let given = given_stock(5).seconds_later(10).and(count("c", "main", 7));
    let given = leaves(given, by("erp", 1, NOW.plus_seconds(10), reported("main", 20)), &["supply-recorded"], 7);
    let given = leaves(given, by("erp", 2, NOW.plus_seconds(10), came("main", 3)), EXPLAINED, 7);
    leaves(given, by("erp", 3, NOW.plus_seconds(11), reported("main", 20)), COUNTED, 20);
}

#[test]
fn what_is_said_to_be_later_than_now_is_before_what_is_booked_next() {
    let given = leaves(given(), said(1, -60, reported("main", 9)), COUNTED, 9);
    let given = given.and(hold(free("h"), 4)).and(commit(free("h"))).and(ship("s", free("h"), None, "main", None));
    let given = given.seconds_later(90);
    leaves(given, said(2, 5, came("main", 2)), EXPLAINED, 5);
}

#[test]
fn a_report_keeps_holds_and_tells_what_is_missing() {
    let given = given_stock(9).and(hold(of_order("h"), 2)).and(hold(of_order("o"), 6)).and(commit(of_order("o")));
    let given = given.and(allocate("s1", of_order("o"), "main", 2)).and(allocate("s2", of_order("o"), "main", 3));
    let report = said(1, -1, reported("main", 4));
    let types = ["supply-recorded", "stock-counted", "units-deallocated", "shortfall-detected"];
    let levels = StockLevels { held: 2, committed: 2, ..levels(-4, 4) };
    let when = given.when(ask(report)).leaves(&types, levels);
    assert_eq!(when.decision().sends.len(), 1, "the order of the newest allocation is told");
    assert_eq!(when.given.item.hold_status(&of_order("h")), Some(HoldStatus::Active));
}

#[test]
fn a_receipt_adds_what_came() {
    let receipt = said(1, 9, came("main", 4));
    let received = StockReceived {
        effect: receipt.effect.clone(),
        quantity: quantity(4),
        document: "note".to_owned(),
        occurred_at: Some(ago(9)),
        metadata: schemas::Metadata::default(),
        feed: Some(source("erp")),
        stock: levels(9, 9),
        place: at_main(9),
    };
    given_stock(5).when(ask(receipt.clone())).then([on_record(&receipt), received.into()]).replies(ItemReply::Done);
}

#[test]
fn receipts_of_one_source_are_all_counted_in_whatever_order_they_come() {
    let given = leaves(given(), said(7, 3, came("main", 4)), RECEIVED, 4);
    let given = leaves(given, said(5, 5, came("main", 2)), RECEIVED, 6);
    let given = leaves(given, said(6, 4, came("main", 1)), RECEIVED, 7);
    given.when(ask(said(5, 5, came("main", 2)))).then_nothing();
}

#[test]
fn a_receipt_of_before_a_report_is_part_of_it() {
    let given = leaves(given(), said(2, 5, reported("main", 9)), COUNTED, 9);
    let given = leaves(given, said(1, 5, came("main", 4)), EXPLAINED, 9);
    let given = leaves(given, by("other", 1, ago(6), came("main", 4)), EXPLAINED, 9);
    leaves(given, said(3, 4, came("main", 4)), RECEIVED, 13);
}

#[test]
fn a_receipt_that_leaves_as_much_missing_as_before_says_so() {
    let given = given_stock(5).and(hold(of_order("o"), 5)).and(ask(said(2, -1, reported("main", 3))));
    let types = ["supply-recorded", "stock-received", "stock-counted", "shortfall-detected"];
    let when = given.when(ask(said(1, 9, came("main", 4))));
    when.leaves(&types, StockLevels { held: 5, ..levels(-2, 3) });
}

#[test]
fn a_receipt_of_what_was_shipped_before_the_record_had_it_explains_it() {
    let given = given_stock(2).and(hold(of_order("o"), 2)).and(commit(of_order("o"))).and(allocate(
        "s",
        of_order("o"),
        "main",
        2,
    ));
    // All of it was somewhere else.
    let given = given.and(move_stock("m", Bucket::Sellable, Bucket::Damaged, 2)).seconds_later(10);
    let given = given.and(ship("p", of_order("o"), Some("s"), "main", Some(2)));
    let given = leaves(given, by("erp", 1, NOW.plus_seconds(5), came("main", 3)), EXPLAINED, 1);
    leaves(given, by("erp", 2, NOW.plus_seconds(11), came("main", 3)), RECEIVED, 4);
}

#[test]
fn stock_may_come_before_the_item_is_listed() {
    let unlisted = given_nothing();
    let given = leaves(unlisted, said(1, 9, reported("main", 5)), COUNTED, 5);
    let given = leaves(given, said(2, 8, came("main", 3)), RECEIVED, 8);
    given.clone().when(hold(free("h"), 1)).refuses(ItemRejection::ItemNotFound);
    given.clone().when(receive("r", "main", 1)).refuses(ItemRejection::ItemNotFound);
    // What has stock is no file.
    let digital = Catalog { kind: ItemKind::Digital, ..catalog() };
    given.clone().when(list(digital.clone(), gbp(5))).refuses(ItemRejection::KindImmutable);
    given.clone().when(ask(said(3, 1, listed(digital, gbp(5))))).refuses(ItemRejection::KindImmutable);
    let given = given.and(list(catalog(), gbp(5))).and(hold(free("h"), 8));
    assert_eq!(given.item.levels(), StockLevels { held: 8, ..levels(0, 8) });
}

#[test]
fn what_was_said_survives_a_snapshot() {
    let given = given_stock(3).and(ask(said(1, -1, reported("main", 5)))).and(ask(said(2, -2, came("main", 3))));
    let given = given.and(ask(by("b", 2, ago(9), listed(catalog(), gbp(4))))).and(count("c", "shop", 2));
    let bytes = serde_json::to_vec(&given.item).expect("JSON");
    let restored: crate::item::Item = serde_json::from_slice(&bytes).expect("a stored state reads");
    assert_eq!(restored, given.item);
    let given = Given { item: restored, ..given };
    leaves(given, by("erp", 3, NOW.plus_seconds(1), came("main", 1)), EXPLAINED, 8);
}
