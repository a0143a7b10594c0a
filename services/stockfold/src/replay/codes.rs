//! Which stock codes are no goods, and how a code becomes an id of the engine.

/// The kind of an adjustment, as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdjustmentKind {
    /// Postage and carriage.
    Shipping,
    /// Less to pay.
    Discount,
    /// Anything else that is charged.
    Fee,
}

impl AdjustmentKind {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shipping => "shipping",
            Self::Discount => "discount",
            Self::Fee => "fee",
        }
    }
}

/// Every code of the data set that is no goods: code (in capitals), kind, what it is.
///
/// All other codes are goods: five digits and a letter or two, `DCGS…` (dotcomgiftshop's own goods), `gift_0001_…` (vouchers,
/// which the shop keeps in stock and corrects like anything else), and `PADS` (cushion pads).
const SERVICES: [(&str, AdjustmentKind, &str); 12] = [
    ("POST", AdjustmentKind::Shipping, "Postage"),
    ("DOT", AdjustmentKind::Shipping, "Dotcom postage"),
    ("C2", AdjustmentKind::Shipping, "Carriage"),
    ("D", AdjustmentKind::Discount, "Discount"),
    // "Manual": somebody typed an amount. It names no goods, so there is nothing to take from stock.
    ("M", AdjustmentKind::Fee, "Manual"),
    // The samples' value is charged or credited; which goods they were is not said.
    ("S", AdjustmentKind::Fee, "Samples"),
    ("AMAZONFEE", AdjustmentKind::Fee, "Amazon fee"),
    ("BANK CHARGES", AdjustmentKind::Fee, "Bank charges"),
    // A commission for Cancer Research UK; in the second half of the year only.
    ("CRUK", AdjustmentKind::Fee, "CRUK commission"),
    ("B", AdjustmentKind::Fee, "Bad debt"),
    ("ADJUST", AdjustmentKind::Fee, "Adjustment"),
    ("ADJUST2", AdjustmentKind::Fee, "Adjustment"),
];

/// What `code` charges and under which label; none if it is goods.
pub fn service(code: &str) -> Option<(AdjustmentKind, &'static str)> {
    let known = SERVICES.iter().find(|(service, _, _)| service.eq_ignore_ascii_case(code));
    known.map(|(_, kind, label)| (*kind, *label))
}

/// The id under which the engine knows `code` (or an invoice number); none if it would be longer than 64 characters.
///
/// A code that is an id already stays as it is: `15056n` and `15056N` are two products. In others each byte that an id
/// cannot have becomes `:` and two hex digits; `:` itself too, so that two codes never meet in one id.
pub fn to_id(code: &str) -> Option<String> {
    let mut id = String::with_capacity(code.len());
    for (place, byte) in code.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || (place > 0 && matches!(byte, b'_' | b'.' | b'-'));
        match (plain, place) {
            (true, _) => id.push(char::from(byte)),
            // An id begins with a letter or digit.
            (false, 0) => id.push_str(&format!("x:{byte:02x}")),
            (false, _) => id.push_str(&format!(":{byte:02x}")),
        }
    }
    (1..=64).contains(&id.len()).then_some(id)
}

/// `text` as a name or label: no control characters, at most 200 characters; `otherwise` where nothing is left.
pub fn label(text: &str, otherwise: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    let clean = clean.trim();
    if clean.is_empty() { otherwise.to_owned() } else { clean.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_codes_are_no_goods_in_any_case() {
        assert_eq!(service("m").map(|(kind, _)| kind), Some(AdjustmentKind::Fee));
        assert_eq!(service("POST").map(|(kind, _)| kind), Some(AdjustmentKind::Shipping));
        for goods in ["85123A", "DCGS0003", "gift_0001_20", "PADS", "DCGSSBOY"] {
            assert_eq!(service(goods), None, "{goods}");
        }
    }

    #[test]
    fn ids_keep_what_they_can_and_never_meet() {
        assert_eq!(to_id("gift_0001_20").as_deref(), Some("gift_0001_20"));
        assert_eq!(to_id("BANK CHARGES").as_deref(), Some("BANK:20CHARGES"));
        assert_eq!(to_id("BANK:20CHARGES").as_deref(), Some("BANK:3a20CHARGES"));
        assert_eq!(to_id("-1").as_deref(), Some("x:2d1"));
        assert_eq!((to_id(""), to_id(&"x".repeat(65))), (None, None));
    }
}
