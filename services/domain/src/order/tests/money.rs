use super::super::money::{LineWorth, line_amounts, part};
use proptest::prelude::*;

fn worth(quantity: u32, unit_price: i64, adjustment: i64) -> LineWorth {
    LineWorth { quantity, unit_price, adjustment }
}

fn total(lines: &[LineWorth], order_adjustment: i64) -> i64 {
    lines.iter().map(|line| i64::from(line.quantity) * line.unit_price + line.adjustment).sum::<i64>()
        + order_adjustment
}

#[test]
fn an_adjustment_of_a_line_belongs_to_it() {
    assert_eq!(line_amounts(&[worth(2, 100, -30), worth(1, 100, 0)], 0), [170, 100]);
}

#[test]
fn an_adjustment_of_the_order_is_spread_by_value() {
    assert_eq!(line_amounts(&[worth(2, 100, 0), worth(1, 100, 0)], 30), [220, 110]);
    assert_eq!(line_amounts(&[worth(1, 1, 0), worth(1, 1, 0), worth(1, 1, 0)], 100), [34, 34, 35]);
}

#[test]
fn where_all_values_are_zero_it_is_spread_by_units() {
    assert_eq!(line_amounts(&[worth(3, 0, 0), worth(1, 0, 0)], 400), [300, 100]);
}

#[test]
fn a_line_that_is_discounted_below_zero_counts_nothing() {
    assert_eq!(line_amounts(&[worth(1, 100, 0), worth(1, 10, -30), worth(1, 10, 0)], 0), [81, 0, 9]);
    assert_eq!(line_amounts(&[worth(1, 0, -5), worth(1, 0, 0)], 5), [0, 0]);
}

fn lines() -> impl Strategy<Value = Vec<LineWorth>> {
    let line = (1..40u32, prop_oneof![Just(0), 0..2_000i64, 0..9_000_000_000i64], prop_oneof![Just(0), -900..900i64]);
    proptest::collection::vec(line.prop_map(|(quantity, price, adjustment)| worth(quantity, price, adjustment)), 1..8)
}

proptest! {
    #[test]
    fn parts_are_never_negative_and_sum_to_the_total(lines in lines(), order_adjustment in -3_000..3_000i64) {
        let total = total(&lines, order_adjustment);
        prop_assume!(total >= 0);
        let amounts = line_amounts(&lines, order_adjustment);
        prop_assert!(amounts.iter().all(|amount| *amount >= 0), "{amounts:?}");
        prop_assert_eq!(amounts.iter().sum::<i64>(), total);
    }

    #[test]
    fn nothing_is_lost_where_a_discount_takes_all(lines in lines()) {
        let free = -total(&lines, 0);
        prop_assume!(free <= 0);
        prop_assert!(line_amounts(&lines, free).iter().all(|amount| *amount == 0));
    }

    #[test]
    fn units_count_more_the_more_they_are_and_all_of_them_the_whole(amount in 0..1_i64 << 53, ordered in 1..300u32) {
        let parts: Vec<i64> = (0..=ordered).map(|units| part(amount, units, ordered)).collect();
        prop_assert!(parts.is_sorted());
        prop_assert_eq!((parts[0], parts[ordered as usize]), (0, amount));
    }

    #[test]
    fn no_unit_counts_more_than_one_minor_unit_off_its_even_part(amount in 0..1_000_000i64, ordered in 1..300u32) {
        let even = amount / i64::from(ordered);
        for units in 0..ordered {
            let one = part(amount, units + 1, ordered) - part(amount, units, ordered);
            prop_assert!((even..=even + 1).contains(&one));
        }
    }
}
