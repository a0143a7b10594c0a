//! An item's answer: it lends its units, or not. The last answer also decides.

use super::{
    Drop, Loan, Phase,
    plan::Plan,
    schedule::{rejected, scheduled},
};
use crate::{Answer, Decision};
use schemas::drop::{AllotAnswered, AllotRefusal, LoanRefused, UnitsLent, allotment_of};

/// What an item says twice, or after the drop has given up, yields nothing: the units were asked back already.
pub(super) fn allot_answered(mut plan: Plan<'_>, command: &AllotAnswered) -> Decision {
    let drop = plan.drop;
    let index = (drop.phase == Phase::Draft).then(|| drop.item_index(&command.item_id)).flatten();
    let counts = |index: &usize| drop.loans[*index].is_none() && allotment_of(&drop.id, *index) == command.allotment;
    let Some(index) = index.filter(counts) else { return plan.finish(Answer::Nobody) };
    let mut loans = drop.loans.clone();
    let item_id = command.item_id.clone();
    match &command.refusal {
        None => {
            loans[index] = Some(Loan::Lent);
            plan.record(UnitsLent { item_id });
        }
        Some(refusal) => {
            loans[index] = Some(Loan::Refused(refusal.clone()));
            plan.record(LoanRefused { item_id, refusal: refusal.clone() });
        }
    }
    if loans.iter().any(Option::is_none) {
        return plan.finish(Answer::Nobody);
    }
    let refusals = refusals(drop, &loans);
    if refusals.is_empty() { scheduled(plan) } else { rejected(plan, refusals) }
}

/// Everything that was refused, or not answered, by item.
pub(super) fn refusals(drop: &Drop, loans: &[Option<Loan>]) -> Vec<LoanRefused> {
    let said = drop.terms().items.iter().zip(loans);
    let refused = said.filter_map(|(item, loan)| {
        let refusal = match loan {
            Some(Loan::Lent) => return None,
            Some(Loan::Refused(refusal)) => refusal.clone(),
            None => AllotRefusal::Unanswered,
        };
        Some(LoanRefused { item_id: item.item_id.clone(), refusal })
    });
    refused.collect()
}
