use crate::{
    contract::block_on,
    shop::{BEGIN_MS, Shop, subject},
};
use read_model::views::inbox::{self, InboxRow};
use schemas::{
    EffectId, Timestamp,
    shopper::{Channels, Notification, NotificationKind, ShopperNotified},
};

fn tell(shop: &mut Shop, shopper: &str, id: &str, in_app: bool) {
    let notification = Notification {
        notification_id: EffectId::parse(id).expect("an id"),
        kind: NotificationKind::DropScheduled,
        occurred_at: Timestamp::from_millis(BEGIN_MS),
        store: None,
        drop: None,
        order_id: None,
    };
    shop.shopper(shopper, ShopperNotified { notification, channels: Channels { in_app, email: true } });
}

fn page(shop: &Shop, before: Option<u64>, limit: usize) -> Vec<InboxRow> {
    block_on(inbox::page(&shop.store, &subject("alice"), before, limit)).expect("it reads")
}

fn ids(page: &[InboxRow]) -> Vec<&str> {
    page.iter().map(|row| row.notification.notification_id.as_str()).collect()
}

#[test]
fn shows_what_a_shopper_was_told_in_the_app_newest_first() {
    let mut shop = Shop::open();
    for (shopper, id, in_app) in
        [("alice", "n-1", true), ("bob", "n-2", true), ("alice", "n-3", false), ("alice", "n-4", true)]
    {
        tell(&mut shop, shopper, id, in_app);
    }
    let all = page(&shop, None, 9);
    assert_eq!(ids(&all), ["n-4", "n-1"]);
    assert_eq!(all[1].told_at, Timestamp::from_millis(BEGIN_MS));
}

#[test]
fn a_page_goes_on_before_an_entry_whatever_came_since() {
    let mut shop = Shop::open();
    for number in 1..=20 {
        tell(&mut shop, "alice", &format!("n-{number}"), true);
    }
    let first = page(&shop, None, 2);
    assert_eq!(ids(&first), ["n-20", "n-19"]);
    tell(&mut shop, "alice", "n-21", true);
    let next = page(&shop, first.last().map(|row| row.seq), 18);
    assert_eq!((next.len(), ids(&next)[0], ids(&next)[17]), (18, "n-18", "n-1"));
    assert_eq!(page(&shop, next.last().map(|row| row.seq), 2), []);
}
