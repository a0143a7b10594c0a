//! What must always be true, by name. A violation names its invariant; each is proved to fail by a tampered run (`tests`).
//!
//! What is true of single events and decisions is checked by the models in passing; here stand the list, and what needs
//! more than one aggregate.

pub mod drops;
pub mod history;
mod lists;
pub mod log;
mod numbers;
pub mod rest;
pub mod supply;
#[cfg(test)]
mod tests;
pub mod unknown;
pub mod views;

/// Every invariant: its name, and what it says.
pub const ALL: [(&str, &str); 48] = [
    ("never-oversold", "a grant needs as many units as are available; nothing is confirmed that is not held"),
    ("never-negative", "no count of units is below zero"),
    ("conservation", "units only move: on hand is what came less what left, held and committed are those of the holds"),
    ("shortfall-on-record", "available is below zero only as far as a shortfall is on record"),
    ("one-decision-per-id", "each business id takes effect once"),
    ("events-equal-model", "a command makes the events that the model says"),
    ("reply-equals-model", "an answer or refusal is the one that the model says at its position"),
    ("refused-is-refused", "what had to be refused changed nothing"),
    ("answered-is-in-log", "what was answered is in the log, at the position that was told"),
    ("positions-are-whole", "a position that was told is the end of a decision"),
    ("positions-never-go-back", "who was told a position is never told an older one of the same afterwards"),
    ("one-answer", "a command is answered once"),
    ("seqs-are-dense", "each partition has every seq once, and its epochs never fall"),
    ("time-never-goes-back", "the times of a partition never fall"),
    ("one-writer-per-key", "all events of a key stand in one partition"),
    ("causes-are-known", "every event was caused by a command or a deadline"),
    ("known-events", "every event has a model"),
    ("kind-immutable", "the kind of an item never changes"),
    ("versions-are-dense", "catalog versions and attempts rise by one"),
    ("sources-rise", "only a newer version of a source applies"),
    ("orders-take-steps", "an order goes from state to state as the design says"),
    ("no-early-expiry", "nothing expires before its deadline and grace, nor while a command that came before it waits"),
    ("nothing-is-forgotten", "what follows from a decision is part of it"),
    ("money-adds-up", "what came in is kept, captured or due back, once and to the cent"),
    ("every-hold-ends", "after a quiet time nothing is held, and no hold outlives the return window of its order"),
    ("every-order-ends", "after a quiet time no order is in a passing state"),
    ("stock-equals-orders", "what items have for orders is what orders have of them"),
    ("units-add-up", "each unit of a confirmed order is due, in a sub-order, on the way, cancelled or shipped, once"),
    ("due-is-planned", "after a quiet time what is due is planned, or waits for stock that no location has"),
    (
        "plans-are-right",
        "a plan is the one that follows from its inputs, of what is due, and never beyond what is offered",
    ),
    ("allocations-agree", "after a quiet time items have allocated what orders know as allocated"),
    ("returns-once", "no more comes back than left, and each unit that does is restocked once"),
    ("carts-agree", "a cart is locked only while its order is open, and each checkout ends"),
    ("merge-moves-once", "the units of a guest's cart move to one cart, once"),
    ("drops-take-steps", "a drop goes from step to step as the design says"),
    ("drop-pool-adds-up", "what a drop was lent is remaining, held, sold or given back, and claims hold what is held"),
    ("drop-units-agree", "what a drop sold and gave back is what its items ordered and took back"),
    ("limit-per-shopper", "no shopper holds and has bought more of a drop than its limit"),
    ("admitted-in-order", "shoppers are admitted in the order of the draw, then of joining, and only they may claim"),
    (
        "never-more-admitted-than-free",
        "no more are admitted than units are free, nor than at once, nor while it stands",
    ),
    (
        "seed-is-secret",
        "the seed of a draw stands nowhere before it is revealed, and is the one whose hash was published",
    ),
    ("claims-have-orders", "each claim opens its order in the same decision, and is bought as that is confirmed"),
    ("drops-end", "after a quiet time every drop is over, and nothing is lent to any"),
    (
        "supply-converges",
        "in whatever order suppliers' statements come, the item is what the newest of them and all bookings make of it",
    ),
    (
        "supply-conserves",
        "a supplier's statement takes nothing that is held, ordered or lent, and is on record before what it changes",
    ),
    ("views-equal-fold", "every row of every view is what the fold says, whenever it is read"),
    ("unknown-is-resolved", "for a call without an answer the views say, as the log does, whether it took effect"),
    ("the-run-proves-something", "commands were answered, and not nearly all of them refused"),
];

/// What the run itself finds in passing, and the engine by its own assertions.
pub const IN_PASSING: [(&str, &str); 2] = [
    ("same-state-from-anywhere", "a shard started from any snapshot, or from none, has the state of its owner"),
    ("engine-asserts", "no assertion of the engine fails, nothing that it wrote is unreadable to it"),
];

/// The invariant that the text of a panic names, as `name: …`; the engine's own assertions name none.
pub fn named_by(panic: &str) -> &'static str {
    let named = |(name, _): &&(&'static str, &str)| panic.contains(&format!("{name}: "));
    ALL.iter().chain(&IN_PASSING).find(named).map_or("engine-asserts", |(name, _)| *name)
}
