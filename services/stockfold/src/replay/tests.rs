//! Plan, book and reckoning against each other, without an engine.

use super::{
    book::Book,
    csv::{Row, tests::rows},
    plan::{Operation, Plan, plan},
    reckon::{Figures, Refused, reckon},
};
use crate::cli::Stock;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A shop of ten minutes, with one of everything.
pub const SHOP: &str = "\
    1,A1,LAMP,5,2011-05-01 10:00,2.00,7,UK\n\
    1,A1,LAMP,1,2011-05-01 10:00,1.50,7,UK\n\
    1,B1,TIE,2,2011-05-01 10:00,3.00,7,UK\n\
    1,POST,POSTAGE,1,2011-05-01 10:00,1.01,7,UK\n\
    2,A1,LAMP,3,2011-05-01 10:05,2.00,7,UK\n\
    3,A1,broken,-2,2011-05-01 10:06,0,,UK\n\
    C4,A1,LAMP,-4,2011-05-01 10:07,2.00,7,UK\n\
    5,A1,LAMP,3,2011-05-01 10:08,2.00,8,UK\n\
    6,B1,Found,1,2011-05-01 10:09,0,,UK\n\
    C7,B1,TIE,-9,2011-05-01 10:10,3.00,7,UK\n\
    C8,A1,LAMP,-9,2011-05-01 10:11,2.00,9,UK";

/// Figures of each product as the plan and the books come to them, when `refused` is refused.
fn carried_out(plan: &Plan, stock: Stock, refused: &Refused) -> BTreeMap<String, Figures> {
    let mut figures: Vec<Figures> =
        plan.products.iter().map(|p| Figures { opening: p.opening(stock), ..Figures::default() }).collect();
    let mut books: HashMap<String, Book> = HashMap::new();
    for operation in &plan.operations {
        match operation {
            Operation::Sale(sale) => {
                let granted = !refused.invoices.contains(&sale.invoice);
                for line in &sale.lines {
                    let figures = &mut figures[line.product];
                    figures.asked += line.quantity;
                    *if granted { &mut figures.granted } else { &mut figures.refused } += line.quantity;
                }
                if let (Some(customer), true) = (&sale.customer, granted) {
                    books.entry(customer.clone()).or_default().enter(
                        &sale.invoice,
                        &sale.order_id,
                        sale.way,
                        &sale.lines,
                    );
                }
            }
            Operation::Cancellation(cancellation) => {
                let book = books.entry(cancellation.customer.clone()).or_default();
                for cancel in book.take(&cancellation.wanted).cancels {
                    for (_, units) in cancel.lines {
                        figures[units.product].cancelled += units.quantity;
                    }
                }
            }
            Operation::Damaged(correction) if refused.rows.contains(&correction.row) => {}
            Operation::Damaged(correction) => figures[correction.units.product].damaged += correction.units.quantity,
            Operation::Found(correction) => figures[correction.units.product].found += correction.units.quantity,
        }
    }
    plan.products.iter().map(|product| product.code.clone()).zip(figures).collect()
}

fn refused(invoices: &[&str], rows: &[u64]) -> Refused {
    Refused { invoices: invoices.iter().map(|&i| i.to_owned()).collect(), rows: rows.iter().copied().collect() }
}

#[test]
fn reckons_stock_and_turnover_from_the_rows() {
    let reckoned = reckon(&rows(SHOP), false, &Refused::default());
    let lamp = reckoned.products["A1"];
    assert_eq!((lamp.asked, lamp.opening, lamp.cancelled, lamp.damaged), (12, 14, 4, 2));
    assert_eq!((lamp.on_hand(), lamp.committed(), lamp.available()), (14, 8, 4));
    let tie = reckoned.products["B1"];
    assert_eq!((tie.on_hand(), tie.committed(), tie.available()), (3, 0, 3));
    // The lines of invoice 1 count £10.57, £1.59 and £6.35 with their parts of the postage. One of the five lamps of the
    // first is cancelled (£2.11), and both ties. Invoice 2 is cancelled whole.
    assert_eq!(reckoned.kept, BTreeMap::from([("1".into(), 846 + 159), ("2".into(), 0), ("5".into(), 600)]));
    assert_eq!(reckoned.turnover, 1_605);
}

#[test]
fn reckons_with_what_was_refused() {
    let reckoned = reckon(&rows(SHOP), true, &refused(&["2"], &[6]));
    let lamp = reckoned.products["A1"];
    assert_eq!((lamp.asked, lamp.granted, lamp.refused, lamp.opening, lamp.damaged), (12, 9, 3, 7, 0));
    assert_eq!(lamp.cancelled, 4, "all from the order that was granted");
    assert!(!reckoned.kept.contains_key("2"));
}

#[test]
fn keeps_nothing_of_an_order_that_is_cancelled_whole_in_steps() {
    let shop = "1,A1,L,3,2011-05-01 10:00,0.33,7,UK\n1,POST,P,1,2011-05-01 10:00,0.10,7,UK\n\
        C2,A1,L,-1,2011-05-01 10:00,1,7,UK\nC3,A1,L,-1,2011-05-01 10:00,1,7,UK\nC4,A1,L,-1,2011-05-01 10:00,1,7,UK";
    for (lines, kept) in [(2, 109), (3, 66 + 7), (4, 33 + 4), (5, 0)] {
        let shop: Vec<_> = shop.lines().take(lines).collect();
        assert_eq!(reckon(&rows(&shop.join("\n")), false, &Refused::default()).turnover, kept, "{lines} lines");
    }
}

#[test]
fn keeps_the_share_by_units_where_goods_are_worth_nothing() {
    let shop = "9,A1,L,1,2011-05-01 10:00,1,,UK\n1,A1,L,4,2011-05-01 10:00,0,7,UK\n1,POST,P,1,2011-05-01 10:00,0.10,7,UK\n\
        C2,A1,L,-1,2011-05-01 10:00,1,7,UK";
    assert_eq!(reckon(&rows(shop), false, &Refused::default()).kept["1"], 8);
}

#[test]
fn plan_and_reckoning_agree_on_the_small_shop() {
    let rows = rows(SHOP);
    let plan = plan(&rows);
    for refused in [Refused::default(), refused(&["1"], &[]), refused(&["2", "5"], &[6])] {
        for stock in [Stock::Ample, Stock::Tight] {
            let reckoned = reckon(&rows, stock == Stock::Tight, &refused);
            assert_eq!(carried_out(&plan, stock, &refused), reckoned.products, "{refused:?}");
        }
    }
}

/// Unchanged rows of the retail file, with what makes it dirty.
fn retail() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/online-retail-excerpt.csv");
    super::csv::read(path.as_ref()).expect("the retail file")
}

#[test]
fn plan_and_reckoning_agree_on_the_retail_file() {
    let rows = retail();
    let plan = plan(&rows);
    assert_eq!(plan.rows, plan.fates.total());
    let sales: BTreeSet<&str> = plan
        .operations
        .iter()
        .filter_map(|operation| if let Operation::Sale(sale) = operation { Some(sale.invoice.as_str()) } else { None })
        .collect();
    let some: Vec<&str> = sales.iter().step_by(7).copied().collect();
    for refused in [Refused::default(), refused(&some, &[])] {
        for stock in [Stock::Ample, Stock::Tight] {
            let reckoned = reckon(&rows, stock == Stock::Tight, &refused);
            assert_eq!(carried_out(&plan, stock, &refused), reckoned.products);
            assert_eq!(reckoned.kept.len() + refused.invoices.len(), sales.len());
        }
    }
}
