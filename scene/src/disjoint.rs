//! Disjoint sets (union-find): which items hang together, found in nearly linear time.

/// Items numbered from 0, each in one set. The smallest number of a set stands for it.
#[derive(Debug)]
pub struct DisjointSets(Vec<u32>);

impl DisjointSets {
    /// Every item alone.
    pub fn new(count: u32) -> Self {
        Self((0..count).collect())
    }

    /// The item that stands for the set of `item`; shortens the way to it.
    pub fn root(&mut self, mut item: u32) -> u32 {
        let parent = &mut self.0;
        while parent[item as usize] != item {
            parent[item as usize] = parent[parent[item as usize] as usize];
            item = parent[item as usize];
        }
        item
    }

    /// Makes one set of the sets of `a` and `b`.
    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_has_one_root_the_smallest() {
        let mut sets = DisjointSets::new(6);
        for (a, b) in [(5, 4), (4, 2), (0, 3), (3, 0), (1, 1)] {
            sets.join(a, b);
        }
        assert_eq!([0, 1, 2, 3, 4, 5].map(|i| sets.root(i)), [0, 1, 2, 0, 2, 2]);
    }
}
