//! Order out of edges.

use std::collections::BTreeSet;

/// A directed graph of numbered nodes.
pub(super) struct Graph {
    after: Vec<BTreeSet<usize>>,
    before: Vec<usize>,
}

impl Graph {
    pub(super) fn new(nodes: usize) -> Self {
        Self { after: vec![BTreeSet::new(); nodes], before: vec![0; nodes] }
    }

    /// Puts one node before another. An edge from a node to itself is none.
    pub(super) fn add(&mut self, first: usize, then: usize) {
        if first != then && self.after[first].insert(then) {
            self.before[then] += 1;
        }
    }

    /// Whether the edges lead from one node to another.
    pub(super) fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            open.extend(self.after[node].iter().copied().filter(|next| seen.insert(*next)));
        }
        false
    }

    /// The nodes in an order that obeys every edge; of those that may come next, the one with the least rank.
    ///
    /// # Errors
    /// The nodes of a circle, the first of them again at its end.
    pub(super) fn sorted<R: Ord>(&self, rank: impl Fn(usize) -> R) -> Result<Vec<usize>, Vec<usize>> {
        let mut before = self.before.clone();
        let mut ready: BTreeSet<(R, usize)> =
            (0..before.len()).filter(|node| before[*node] == 0).map(|node| (rank(node), node)).collect();
        let mut sorted = Vec::with_capacity(before.len());
        while let Some((_, node)) = ready.pop_first() {
            sorted.push(node);
            for next in &self.after[node] {
                before[*next] -= 1;
                if before[*next] == 0 {
                    ready.insert((rank(*next), *next));
                }
            }
        }
        if sorted.len() == before.len() { Ok(sorted) } else { Err(self.circle(&before)) }
    }

    /// A circle among the nodes that could not be sorted: those with something left before them.
    fn circle(&self, before: &[usize]) -> Vec<usize> {
        let is_left = |node: &usize| before[*node] > 0;
        // Every node left has a predecessor left, so walking backwards must come round.
        let predecessor =
            |of: usize| (0..before.len()).find(|node| is_left(node) && self.after[*node].contains(&of));
        let mut walk: Vec<usize> = (0..before.len()).find(is_left).into_iter().collect();
        while let Some(previous) = walk.last().copied().and_then(predecessor) {
            if let Some(start) = walk.iter().position(|node| *node == previous) {
                walk.drain(..start);
                walk.push(previous);
                break;
            }
            walk.push(previous);
        }
        walk.reverse();
        walk
    }
}
