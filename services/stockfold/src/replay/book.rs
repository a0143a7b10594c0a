//! A customer's orders, and which of their lines a cancellation takes back. Pure.

use super::plan::{Line, Units, Way};

/// An order that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The invoice that it was placed for.
    pub invoice: String,
    /// Its id in the engine.
    pub order_id: String,
    /// The way it went: who placed it cancels it.
    pub way: Way,
    /// Its lines.
    pub lines: Vec<OpenLine>,
}

/// A line, and how many of its units are not cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLine {
    /// The line.
    pub line_id: String,
    /// Index of the product.
    pub product: usize,
    /// Units that can be cancelled.
    pub open: i64,
}

/// Units to cancel of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// The invoice that the order was placed for.
    pub invoice: String,
    /// The order.
    pub order_id: String,
    /// Whose token cancels it.
    pub way: Way,
    /// Units by line, each line once.
    pub lines: Vec<(String, Units)>,
}

/// What a cancellation invoice came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// One entry for each order concerned, the latest first.
    pub cancels: Vec<Cancel>,
    /// Units found, for each row wanted.
    pub found: Vec<i64>,
}

/// The granted orders of one customer, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book(Vec<Standing>);

impl Book {
    /// Enters an order that was granted.
    pub fn enter(&mut self, invoice: &str, order_id: &str, way: Way, lines: &[Line]) {
        let open = |line: &Line| OpenLine { line_id: line.line_id.clone(), product: line.product, open: line.quantity };
        let lines = lines.iter().map(open).collect();
        self.0.push(Standing { invoice: invoice.to_owned(), order_id: order_id.to_owned(), way, lines });
    }

    /// Takes `wanted` out of the latest orders of each product, as far as they have it.
    pub fn take(&mut self, wanted: &[Units]) -> Matched {
        let mut matched = Matched::default();
        for units in wanted {
            let mut missing = units.quantity;
            for order in self.0.iter_mut().rev() {
                for line in order.lines.iter_mut().filter(|line| line.product == units.product) {
                    let quantity = missing.min(line.open);
                    if quantity > 0 {
                        line.open -= quantity;
                        missing -= quantity;
                        matched.add(
                            &order.invoice,
                            &order.order_id,
                            order.way,
                            &line.line_id,
                            Units { quantity, ..*units },
                        );
                    }
                }
            }
            matched.found.push(units.quantity - missing);
        }
        matched
    }
}

impl Matched {
    fn add(&mut self, invoice: &str, order_id: &str, way: Way, line_id: &str, units: Units) {
        let place = self.cancels.iter().position(|cancel| cancel.order_id == order_id).unwrap_or_else(|| {
            let (invoice, order_id) = (invoice.to_owned(), order_id.to_owned());
            self.cancels.push(Cancel { invoice, order_id, way, lines: Vec::new() });
            self.cancels.len() - 1
        });
        let lines = &mut self.cancels[place].lines;
        match lines.iter_mut().find(|(line, _)| line == line_id) {
            Some((_, taken)) => taken.quantity += units.quantity,
            None => lines.push((line_id.to_owned(), units)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        let line =
            |line_id: &str, product, quantity| Line { line_id: line_id.into(), product, quantity, unit_price: 1 };
        let mut book = Book::default();
        book.enter("1", "o1", Way::External, &[line("l1", 0, 5), line("l2", 1, 5)]);
        book.enter("2", "o2", Way::Shopper, &[line("l1", 0, 2), line("l2", 0, 1)]);
        book
    }

    fn taken(matched: &Matched) -> Vec<(&str, &str, i64)> {
        let lines = matched.cancels.iter().flat_map(|cancel| cancel.lines.iter().map(move |line| (cancel, line)));
        lines.map(|(cancel, (line, units))| (cancel.order_id.as_str(), line.as_str(), units.quantity)).collect()
    }

    #[test]
    fn takes_from_the_latest_order_first() {
        let matched = book().take(&[Units { product: 0, quantity: 4 }]);
        assert_eq!(taken(&matched), [("o2", "l1", 2), ("o2", "l2", 1), ("o1", "l1", 1)]);
        assert_eq!(matched.found, [4]);
    }

    #[test]
    fn finds_only_what_is_there() {
        let mut book = book();
        assert_eq!(book.take(&[Units { product: 1, quantity: 9 }]).found, [5]);
        assert_eq!(
            book.take(&[Units { product: 1, quantity: 1 }, Units { product: 7, quantity: 1 }]),
            Matched { cancels: vec![], found: vec![0, 0] }
        );
    }

    #[test]
    fn cancels_an_order_once_for_all_rows() {
        let matched = book().take(&[Units { product: 0, quantity: 1 }, Units { product: 0, quantity: 1 }]);
        assert_eq!(taken(&matched), [("o2", "l1", 2)]);
        assert_eq!(matched.found, [1, 1]);
    }
}
