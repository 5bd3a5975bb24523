//! [`Dice`]: chance that can be repeated.

use std::time::Duration;

/// A generator of numbers that are spread well enough to choose among peers (SplitMix64). It is no secret: who knows
/// the seed knows what comes.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, any of all.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        // The high half of the product: no number is more likely than another by more than end / 2^64.
        ((u128::from(self.roll()) * u128::from(end)) >> 64) as u64
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len() as u64) as usize)
    }

    /// Leaves at most `most` of them, in any order.
    pub fn sample<T>(&mut self, mut all: Vec<T>, most: usize) -> Vec<T> {
        let kept = most.min(all.len());
        for place in 0..kept {
            let left = (all.len() - place) as u64;
            all.swap(place, place + self.below(left) as usize);
        }
        all.truncate(kept);
        all
    }

    /// Between half of a time and one and a half of it, so that nodes do not all do a thing at once.
    pub fn about(&mut self, time: Duration) -> Duration {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        time / 2 + Duration::from_micros(self.below(micros.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_all_are_likely() {
        let (mut one, mut same, mut other) = (Dice::new(7), Dice::new(7), Dice::new(8));
        let rolls: Vec<_> = (0..100).map(|_| one.roll()).collect();
        assert!(rolls.iter().all(|roll| *roll == same.roll()));
        assert!(rolls.iter().any(|roll| *roll != other.roll()));
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[one.below(10) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (800..1200).contains(count)),
            "{counts:?}"
        );
        assert_eq!(one.below(0), 0);
        assert_eq!(one.pick::<u8>(&[]), None);
    }

    #[test]
    fn a_sample_has_each_at_most_once() {
        let mut dice = Dice::new(1);
        for most in 0..12 {
            let mut sample = dice.sample((0..10).collect(), most);
            sample.sort_unstable();
            sample.dedup();
            assert_eq!(sample.len(), most.min(10));
        }
        for _ in 0..1000 {
            let about = dice.about(Duration::from_millis(100));
            assert!((50..=150).contains(&about.as_millis()));
        }
    }
}
