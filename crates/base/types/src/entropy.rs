//! Where random numbers come from, as a port: deciding code is handed numbers and never draws them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers.
pub trait Entropy: Send + Sync {
    /// Draws sixty-four random bits.
    fn bits(&self) -> u64;

    /// Draws a number in `0..1`, with fifty-three bits of precision.
    fn unit(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The operating system's generator, by way of the standard library's hash keys.
///
/// Good for identifiers and jitter; never for keys (the secret store uses a real CSPRNG).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bits(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        // Each RandomState carries keys derived from one draw of the system's generator per thread.
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }
}

/// A repeatable sequence (SplitMix64, Steele et al. 2014), for tests and seeded runs.
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// The sequence that starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for Seeded {
    fn bits(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let (one, two) = (Seeded::new(7), Seeded::new(7));
        for _ in 0..10 {
            assert_eq!(one.bits(), two.bits());
        }
        assert_ne!(Seeded::new(8).bits(), Seeded::new(7).bits());
    }

    #[test]
    fn the_unit_draw_stays_in_range() {
        let source = Seeded::new(1);
        assert!((0..1000).map(|_| source.unit()).all(|x| (0.0..1.0).contains(&x)));
    }
}
