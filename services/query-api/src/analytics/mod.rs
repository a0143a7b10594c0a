//! Numbers of the shop: what is popular, for everybody; the turnover, for who runs it.
//!
//! None of them tells of a person. How many units or orders stand behind what is popular is told to the shop's own systems only.

mod popular;
mod turnover;

pub(crate) use popular::{__path_bought_together, __path_most_bought, Popular, bought_together, most_bought};
pub(crate) use turnover::{__path_turnover, turnover};
