//! Tickets of places in waiting rooms: only this deployment can make one, and only the shopper whose place it is can use it.

use crate::mac::{MacKey, same};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::{DropId, SubjectId};

/// The first byte of a ticket: another format gets another number.
const VERSION: u8 = 1;
const NUMBER: usize = 8;
const TAG: usize = 16;

/// Makes and opens tickets: base64url of version, the number of the place, and a tag over drop, shopper and these.
#[derive(Clone)]
pub struct QueueTickets(MacKey);

impl QueueTickets {
    pub(crate) const fn new(key: MacKey) -> Self {
        Self(key)
    }

    fn tag(&self, drop: &DropId, shopper: &SubjectId, head: &[u8]) -> [u8; TAG] {
        self.0.digest16(&[head, drop.as_str().as_bytes(), shopper.as_str().as_bytes()])
    }

    /// The ticket of a place.
    #[must_use]
    pub fn seal(&self, drop: &DropId, shopper: &SubjectId, number: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&number.to_be_bytes());
        let tag = self.tag(drop, shopper, &bytes);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The number of the place that this shopper has a ticket of; `None` for any other text: whether it is forged, of
    /// another drop or of another shopper, nobody learns.
    #[must_use]
    pub fn open(&self, drop: &DropId, shopper: &SubjectId, ticket: &str) -> Option<u64> {
        // What is longer is none, whatever it says.
        if ticket.len() > 2 * (1 + NUMBER + TAG) {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let (head, tag) = bytes.split_at_checked(1 + NUMBER)?;
        let (version, number) = head.split_first()?;
        if *version != VERSION || !same(tag, &self.tag(drop, shopper, head)) {
            return None;
        }
        number.try_into().ok().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drop_id(id: &str) -> DropId {
        DropId::parse(id).expect("an id")
    }

    fn shopper(id: &str) -> SubjectId {
        SubjectId::parse(id).expect("an id")
    }

    #[test]
    fn a_ticket_opens_for_its_drop_and_shopper_alone() {
        let ours = QueueTickets::new(MacKey::new(b"secret"));
        let ticket = ours.seal(&drop_id("shoe"), &shopper("ada"), 7);
        assert_eq!(ours.open(&drop_id("shoe"), &shopper("ada"), &ticket), Some(7));
        assert_eq!(ours.open(&drop_id("hat"), &shopper("ada"), &ticket), None);
        assert_eq!(ours.open(&drop_id("shoe"), &shopper("eve"), &ticket), None);
        let others = QueueTickets::new(MacKey::new(b"other"));
        assert_eq!(others.open(&drop_id("shoe"), &shopper("ada"), &ticket), None);
    }

    #[test]
    fn no_other_bytes_are_a_ticket() {
        let ours = QueueTickets::new(MacKey::new(b"secret"));
        let sound = URL_SAFE_NO_PAD.decode(ours.seal(&drop_id("shoe"), &shopper("ada"), 7)).expect("base64url");
        for at in 0..sound.len() {
            let mut forged = sound.clone();
            forged[at] ^= 1;
            let text = URL_SAFE_NO_PAD.encode(&forged);
            assert_eq!(ours.open(&drop_id("shoe"), &shopper("ada"), &text), None, "byte {at}");
            let cut = URL_SAFE_NO_PAD.encode(&sound[..at]);
            assert_eq!(ours.open(&drop_id("shoe"), &shopper("ada"), &cut), None, "cut at {at}");
        }
        let longer = URL_SAFE_NO_PAD.encode([&sound[..], &[0]].concat());
        for text in ["", "!", &longer, &"A".repeat(5_000)] {
            assert_eq!(ours.open(&drop_id("shoe"), &shopper("ada"), text), None, "{text}");
        }
    }
}
