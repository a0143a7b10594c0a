use super::*;
use crate::replay::{csv::tests::rows, fate::Skip};

fn plan_of(lines: &str) -> Plan {
    plan(&rows(lines))
}

fn sales(plan: &Plan) -> Vec<&Sale> {
    let sales = plan.operations.iter().filter_map(|operation| match operation {
        Operation::Sale(sale) => Some(sale),
        Operation::Cancellation(_) | Operation::Damaged(_) | Operation::Found(_) => None,
    });
    sales.collect()
}

#[test]
fn lists_at_the_most_frequent_price_and_name() {
    let plan = plan_of(
        "1,A1,LAMP,1,2011-05-01 10:00,2.10,7,UK\n\
         2,A1,LAMP,1,2011-05-01 10:00,1.90,7,UK\n\
         3,A1,,1,2011-05-01 10:00,1.90,7,UK\n\
         4,B1,TIE,1,2011-05-01 10:00,3.00,,UK\n\
         5,B1,TIE,1,2011-05-01 10:00,2.00,,UK\n\
         6,Z9,never priced,1,2011-05-01 10:00,0,,UK",
    );
    let listed: Vec<_> = plan.products.iter().map(|p| (p.code.as_str(), p.name.as_str(), p.price)).collect();
    assert_eq!(listed, [("A1", "LAMP", 190), ("B1", "TIE", 200)]);
    assert_eq!(plan.fates.of(Fate::Skipped(Skip::NeverPriced)), 1);
}

#[test]
fn a_known_customer_at_list_price_goes_the_shoppers_way() {
    let plan = plan_of(
        "1,A1,LAMP,1,2011-05-01 10:00,2,7,UK\n1,A1,LAMP,3,2011-05-01 10:00,2,7,UK\n\
         2,A1,LAMP,1,2011-05-01 10:00,2,,UK\n\
         3,A1,LAMP,1,2011-05-01 10:00,1.5,7,UK\n\
         4,A1,LAMP,1,2011-05-01 10:00,2,7,UK\n4,POST,POSTAGE,1,2011-05-01 10:00,18,7,UK",
    );
    let ways: Vec<_> = sales(&plan).iter().map(|sale| (sale.invoice.as_str(), sale.way)).collect();
    assert_eq!(ways, [("1", Way::Shopper), ("2", Way::External), ("3", Way::External), ("4", Way::External)]);
}

#[test]
fn the_same_code_twice_is_two_lines() {
    let plan = plan_of("1,A1,LAMP,1,2011-05-01 10:00,2,7,UK\n1,A1,LAMP,3,2011-05-01 10:00,2,7,UK");
    let lines: Vec<_> = sales(&plan)[0].lines.iter().map(|line| (line.line_id.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("l1", 1), ("l2", 3)]);
    assert_eq!(sales(&plan)[0].ordered_at, "2011-05-01T09:00:00Z");
}

#[test]
fn postage_and_fees_become_adjustments() {
    let plan = plan_of(
        "1,A1,LAMP,1,2011-05-01 10:00,2,,UK\n1,DOT,,1,2011-05-01 10:00,5.5,,UK\n1,m,Manual,3,2011-05-01 10:00,1,,UK",
    );
    let adjustments: Vec<_> =
        sales(&plan)[0].adjustments.iter().map(|a| (a.kind.as_str(), a.amount, a.label.as_str())).collect();
    assert_eq!(adjustments, [("shipping", 550, "Dotcom postage"), ("fee", 300, "Manual")]);
    assert_eq!((plan.fates.of(Fate::OrderLine), plan.fates.of(Fate::Adjustment)), (1, 2));
}

#[test]
fn invoices_without_goods_or_below_zero_are_skipped() {
    let plan = plan_of(
        "1,POST,POSTAGE,1,2011-05-01 10:00,2,7,UK\n\
         2,A1,LAMP,1,2011-05-01 10:00,2,7,UK\n2,D,Discount,-1,2011-05-01 10:00,5,7,UK",
    );
    assert!(plan.operations.is_empty());
    assert_eq!(plan.fates.skipped(), [(Skip::NoGoods, 1), (Skip::NegativeTotal, 2)]);
}

#[test]
fn gifts_are_lines_at_zero_and_what_nobody_is_charged_for_is_found() {
    let plan = plan_of(
        "1,A1,LAMP,1,2011-05-01 10:00,2,,UK\n1,A1,LAMP,4,2011-05-01 10:00,0,,UK\n\
         2,A1,Found,5,2011-05-01 10:00,0,,UK\n\
         3,A1,LAMP,6,2011-05-01 10:00,0,7,UK\n\
         4,A1,broken,-2,2011-05-01 10:00,0,,UK",
    );
    let product = &plan.products[0];
    assert_eq!((product.asked, product.found, product.damaged), (11, 5, 2));
    assert_eq!((product.opening(Stock::Ample), product.opening(Stock::Tight)), (13, 6));
    assert_eq!(sales(&plan).iter().filter(|sale| sale.way == Way::External).count(), 2);
}

#[test]
fn a_cancellation_wants_goods_of_a_known_customer_back() {
    let plan = plan_of(
        "1,A1,LAMP,9,2011-05-01 10:00,2,7,UK\n\
         C2,A1,LAMP,-3,2011-05-01 11:00,2,7,UK\nC2,D,Discount,-1,2011-05-01 11:00,2,7,UK\nC2,POST,,-1,2011-05-01 11:00,2,7,UK\n\
         C3,A1,LAMP,-1,2011-05-01 11:00,2,,UK",
    );
    let wanted = vec![Units { product: 0, quantity: 3 }];
    let expected = Cancellation { invoice: "C2".into(), customer: "7".into(), wanted };
    assert_eq!(plan.operations[1], Operation::Cancellation(expected));
    let skipped = [(Skip::DiscountCredited, 1), (Skip::ChargeCredited, 1), (Skip::CancellationOfGuest, 1)];
    assert_eq!(plan.fates.skipped(), skipped);
}

#[test]
fn prices_below_a_penny_or_zero_are_skipped() {
    let plan = plan_of(
        "1,PADS,PADS,1,2011-05-01 10:00,0.001,7,UK\n2,A1,LAMP,1,2011-05-01 10:00,-5,,UK\n3,A1,LAMP,-1,2011-05-01 10:00,5,,UK",
    );
    let skipped = [(Skip::SubPenny, 1), (Skip::NegativePrice, 1), (Skip::NegativeSale, 1)];
    assert_eq!(plan.fates.skipped(), skipped);
}

#[test]
fn an_invoice_whose_rows_are_apart_is_one_order() {
    let plan = plan_of(
        "1,A1,LAMP,1,2011-05-01 10:00,2,7,UK\n2,A1,LAMP,1,2011-05-01 10:00,2,8,UK\n1,A1,LAMP,2,2011-05-01 10:01,2,7,UK",
    );
    let sizes: Vec<_> = sales(&plan).iter().map(|sale| (sale.invoice.as_str(), sale.lines.len())).collect();
    assert_eq!(sizes, [("1", 2), ("2", 1)]);
}
