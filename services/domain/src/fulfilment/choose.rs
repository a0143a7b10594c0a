//! Which locations ship: the fewest that can, and of as few the first ones.

/// How many looks at (location, item) a search may take before the greedy choice stands.
///
/// Enough for any answer of one or two parcels among 200 locations and ten items, and for any answer at all among
/// fourteen locations that each have some of ten items (a few milliseconds). Beyond, a plan may have a parcel too many.
const MOST_LOOKS: u64 = 4_000_000;

/// Who could contribute what.
#[derive(Debug)]
pub(super) struct Matrix {
    /// By location, best first, and item: units, not more than are wanted.
    pub have: Vec<Vec<u64>>,
    /// By item: units that all locations together can contribute, not more than are wanted.
    pub need: Vec<u64>,
}

/// The locations that ship what can be shipped, ascending.
pub(super) fn choose(matrix: &Matrix) -> Vec<usize> {
    choose_within(matrix, MOST_LOOKS).unwrap_or_else(|| greedy(matrix))
}

/// The best choice; `None` if the search takes more looks than that.
pub(super) fn choose_within(matrix: &Matrix, looks: u64) -> Option<Vec<usize>> {
    let enough = greedy(matrix).len();
    let mut search = Search { matrix, most: most_from(matrix), looks };
    for parcels in fewest(matrix)..=enough {
        let mut chosen = Vec::new();
        if search.go(0, parcels, &matrix.need, &mut chosen)? {
            return Some(chosen);
        }
    }
    unreachable!("so many locations as the greedy choice has are enough")
}

/// Whoever helps most comes next; whoever is not needed then leaves, the last ones first.
pub(super) fn greedy(matrix: &Matrix) -> Vec<usize> {
    let mut left = matrix.need.clone();
    let mut chosen: Vec<usize> = Vec::new();
    while left.iter().any(|&units| units > 0) {
        let helps = |have: &Vec<u64>| have.iter().zip(&left).map(|(&have, &left)| have.min(left)).sum::<u64>();
        // Of equals the first: `max_by_key` would take the last.
        let others = (0..matrix.have.len()).rev().filter(|location| !chosen.contains(location));
        let best = others.max_by_key(|&location| helps(&matrix.have[location]));
        let best = best.expect("what is needed is somewhere");
        left = less(&left, &matrix.have[best]);
        chosen.push(best);
    }
    chosen.sort_unstable();
    for at in (0..chosen.len()).rev() {
        let others = chosen.iter().enumerate().filter(|(other, _)| *other != at);
        let left = others.fold(matrix.need.clone(), |left, (_, &location)| less(&left, &matrix.have[location]));
        if left.iter().all(|&units| units == 0) {
            chosen.remove(at);
        }
    }
    chosen
}

fn less(left: &[u64], have: &[u64]) -> Vec<u64> {
    left.iter().zip(have).map(|(&left, &have)| left.saturating_sub(have)).collect()
}

/// No plan has fewer parcels: so many locations are needed for one of the items alone.
fn fewest(matrix: &Matrix) -> usize {
    let of_item = |(item, &need): (usize, &u64)| {
        let mut units: Vec<u64> = matrix.have.iter().map(|have| have[item]).collect();
        units.sort_unstable_by(|a, b| b.cmp(a));
        let mut sum = 0;
        let is_needed = |units: &&u64| {
            let before = sum;
            sum += **units;
            before < need
        };
        units.iter().take_while(is_needed).count()
    };
    matrix.need.iter().enumerate().map(of_item).max().unwrap_or_default()
}

/// By location and item: the most that it, or one behind it, has.
fn most_from(matrix: &Matrix) -> Vec<Vec<u64>> {
    let mut most = matrix.have.clone();
    for location in (1..most.len()).rev() {
        let (before, behind) = most.split_at_mut(location);
        before[location - 1].iter_mut().zip(&behind[0]).for_each(|(most, &next)| *most = next.max(*most));
    }
    most
}

/// Tries sets of locations in the order of their ranks.
struct Search<'a> {
    matrix: &'a Matrix,
    most: Vec<Vec<u64>>,
    looks: u64,
}

impl Search<'_> {
    /// Whether so many locations, from `first` on, have all that is left; they are in `chosen` then. `None` at the bound.
    fn go(&mut self, first: usize, parcels: usize, left: &[u64], chosen: &mut Vec<usize>) -> Option<bool> {
        if parcels == 0 {
            return Some(left.iter().all(|&units| units == 0));
        }
        for location in first..=self.matrix.have.len().saturating_sub(parcels) {
            self.looks = self.looks.checked_sub(2 * left.len() as u64)?;
            let most = &self.most[location];
            if left.iter().zip(most).any(|(&left, &most)| left > most.saturating_mul(parcels as u64)) {
                return Some(false);
            }
            let have = &self.matrix.have[location];
            // Whoever adds nothing now adds nothing later.
            if left.iter().zip(have).any(|(&left, &have)| left.min(have) > 0) {
                chosen.push(location);
                if self.go(location + 1, parcels - 1, &less(left, have), chosen)? {
                    return Some(true);
                }
                chosen.pop();
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matrix(have: Vec<Vec<u64>>, wanted: &[u64]) -> Matrix {
        let capped =
            |units: Vec<u64>| units.into_iter().zip(wanted).map(|(units, &wanted)| units.min(wanted)).collect();
        let have: Vec<Vec<u64>> = have.into_iter().map(capped).collect();
        let sum = |item: usize| have.iter().map(|units| units[item]).sum::<u64>();
        let need = wanted.iter().enumerate().map(|(item, &wanted)| sum(item).min(wanted)).collect();
        Matrix { have, need }
    }

    fn is_enough(matrix: &Matrix, chosen: &[usize]) -> bool {
        let left = chosen.iter().fold(matrix.need.clone(), |left, &location| less(&left, &matrix.have[location]));
        left.iter().all(|&units| units == 0)
    }

    /// All sets, by size and then by ranks.
    fn by_hand(matrix: &Matrix) -> Vec<usize> {
        let sets = 0..1_u32 << matrix.have.len();
        let members = |set: u32| (0..matrix.have.len()).filter(|at| set & (1 << at) != 0).collect::<Vec<_>>();
        let enough = sets.map(members).filter(|chosen| is_enough(matrix, chosen));
        enough.min_by_key(|chosen| (chosen.len(), chosen.clone())).expect("all of them are enough")
    }

    fn any_matrix(locations: usize, items: usize) -> impl Strategy<Value = Matrix> {
        let row = prop::collection::vec(prop_oneof![Just(0_u64), 0..6_u64], items);
        (prop::collection::vec(row, 0..=locations), prop::collection::vec(1..9_u64, items))
            .prop_map(|(have, wanted)| matrix(have, &wanted))
    }

    proptest! {
        #[test]
        fn the_choice_is_the_first_of_the_smallest(matrix in any_matrix(8, 4)) {
            prop_assert_eq!(choose(&matrix), by_hand(&matrix));
        }

        #[test]
        fn the_greedy_choice_is_enough_and_nobody_in_it_is_idle(matrix in any_matrix(12, 5)) {
            let chosen = greedy(&matrix);
            prop_assert!(is_enough(&matrix, &chosen));
            for without in 0..chosen.len() {
                let mut fewer = chosen.clone();
                fewer.remove(without);
                prop_assert!(!is_enough(&matrix, &fewer));
            }
        }

        #[test]
        fn fourteen_locations_with_ten_items_are_always_searched_to_the_end(matrix in any_matrix(14, 10)) {
            prop_assert!(choose_within(&matrix, MOST_LOOKS).is_some());
        }
    }

    #[test]
    fn two_parcels_among_two_hundred_locations_are_found() {
        let mut have = vec![vec![1; 10]; 200];
        // Greedy takes the first of these, and needs two more then.
        have[150] = vec![9, 9, 9, 9, 9, 9, 0, 0, 0, 0];
        have[160] = vec![9, 9, 9, 9, 9, 0, 0, 0, 0, 0];
        have[170] = vec![0, 0, 0, 0, 0, 9, 9, 9, 9, 9];
        let matrix = matrix(have, &[9; 10]);
        assert_eq!(choose_within(&matrix, MOST_LOOKS), Some(vec![150, 170]));
    }

    #[test]
    fn what_would_take_too_long_is_chosen_greedily_and_the_same_each_time() {
        // Nobody has much of anything: half of two hundred locations are needed.
        let have: Vec<Vec<u64>> = (0..200_u64).map(|l| (0..20).map(|i| (l * 7 + i * 13) % 3).collect()).collect();
        let matrix = matrix(have, &[90; 20]);
        assert_eq!(choose_within(&matrix, MOST_LOOKS), None);
        assert_eq!(choose(&matrix), greedy(&matrix));
        assert_eq!(choose(&matrix), choose(&matrix));
    }

    #[test]
    fn nothing_needs_nobody() {
        assert_eq!(choose(&matrix(Vec::new(), &[3])), Vec::<usize>::new());
        assert_eq!(choose(&matrix(vec![vec![0]], &[3])), Vec::<usize>::new());
    }
}
