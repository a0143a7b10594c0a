//! Pages of what passes a filter, out of lists of keys that know nothing of the filter. Sans-IO: the caller scans.

/// The most keys that are looked at for one page: a filter that nothing passes must not read a whole list.
const MOST_LOOKED_AT: usize = 2_000;

/// Collects a page of `T`, each at a place `P` of the list.
pub(crate) struct Pager<P, T> {
    limit: usize,
    found: Vec<(P, T)>,
    last: Option<P>,
    looked_at: usize,
}

impl<P: Clone, T> Pager<P, T> {
    /// Begins after a place.
    pub fn new(limit: usize, after: Option<P>) -> Self {
        Self { limit, found: Vec::with_capacity(limit.min(64)), last: after, looked_at: 0 }
    }

    /// After which place to scan on and how many keys to take; none when the page is full.
    pub fn next(&self) -> Option<(Option<&P>, usize)> {
        // One more than asked for tells whether there is another page.
        let wanted = (self.limit + 1).saturating_sub(self.found.len());
        (wanted > 0 && self.looked_at < MOST_LOOKED_AT).then_some((self.last.as_ref(), wanted.max(self.limit.min(50))))
    }

    /// Takes what stands at the next place, if it passed the filter.
    pub fn look(&mut self, place: P, found: Option<T>) {
        self.looked_at += 1;
        self.last = Some(place.clone());
        if let Some(found) = found
            && self.found.len() <= self.limit
        {
            self.found.push((place, found));
        }
    }

    /// The page, and where the next one begins; none where the list ended here.
    pub fn page(mut self, ended: bool) -> (Vec<T>, Option<P>) {
        let next = if self.found.len() > self.limit {
            self.found.truncate(self.limit);
            self.found.last().map(|(place, _)| place.clone())
        } else if ended {
            None
        } else {
            self.last
        };
        (self.found.into_iter().map(|(_, found)| found).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages through 1..=n, keeping what `keep` does; answers the pages.
    fn pages(n: usize, limit: usize, keep: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let mut pager = Pager::new(limit, after);
            let mut ended = false;
            while let Some((after, count)) = pager.next().filter(|_| !ended) {
                let from = after.copied().unwrap_or(0) + 1;
                let chunk: Vec<usize> = (from..=n).take(count).collect();
                ended = chunk.len() < count;
                for place in chunk {
                    pager.look(place, keep(place).then_some(place));
                }
            }
            let (page, next) = pager.page(ended);
            pages.push(page);
            match next {
                Some(place) => after = Some(place),
                None => return pages,
            }
        }
    }

    #[test]
    fn a_full_last_page_ends_the_list() {
        assert_eq!(pages(4, 2, |_| true), [vec![1, 2], vec![3, 4]]);
        assert_eq!(pages(5, 2, |_| true), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(pages(0, 2, |_| true), [Vec::<usize>::new()]);
    }

    #[test]
    fn a_filter_neither_skips_nor_repeats() {
        for limit in [1, 3, 50, 200] {
            let all: Vec<usize> = pages(5_000, limit, |n| n % 7 == 0).concat();
            assert_eq!(all, (1..=5_000).filter(|n| n % 7 == 0).collect::<Vec<_>>(), "limit {limit}");
        }
    }

    #[test]
    fn a_filter_that_nothing_passes_reads_a_bounded_part_at_a_time() {
        let pages = pages(10_000, 50, |_| false);
        assert!(pages.len() >= 4 && pages.concat().is_empty());
    }
}
