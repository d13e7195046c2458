//! How one token is drawn from the model's opinion of all of them.
//!
//! The order is: what the grammar allows, temperature, top-k, top-p, draw. All of it is repeatable
//! from the seed.

use bottega_llm::Sampling;
use bottega_types::{Entropy, Seeded};
use toktrie::SimpleVob;

use super::llama::Token;

/// Candidates whose probability is below e^-16 of the best are never drawn in practice; leaving
/// them out spares sorting the vocabulary.
const NEGLIGIBLE: f32 = 16.0;

/// Draws tokens.
#[derive(Debug)]
pub(crate) struct Sampler {
    temperature: f32,
    top_p: f32,
    top_k: usize,
    random: Seeded,
}

impl Sampler {
    /// Follows `asked`, then `usual`, then: temperature 1, everything allowed.
    pub(crate) fn new(asked: Sampling, usual: Sampling, entropy: &dyn Entropy) -> Self {
        let temperature = asked.temperature.or(usual.temperature).unwrap_or(1.0);
        let top_p = asked.top_p.or(usual.top_p).unwrap_or(1.0);
        let top_k = asked.top_k.or(usual.top_k).filter(|k| *k > 0);
        let seed = asked.seed.or(usual.seed).unwrap_or_else(|| entropy.bits());
        Self {
            temperature: temperature as f32,
            top_p: top_p as f32,
            top_k: top_k.map_or(usize::MAX, |k| k as usize),
            random: Seeded::new(seed),
        }
    }

    /// Draws one of the `allowed` tokens (all, when absent). `None` when there is none.
    pub(crate) fn draw(&mut self, logits: &[f32], allowed: Option<&SimpleVob>) -> Option<Token> {
        let best = likeliest(logits, allowed)?;
        if self.temperature <= 0.0 || self.top_k == 1 {
            return Some(best);
        }
        let floor = logits[best as usize] - NEGLIGIBLE * self.temperature.max(0.05);
        let mut candidates = Vec::with_capacity(64);
        each(logits, allowed, |token, logit| {
            if logit >= floor {
                candidates.push((token, logit));
            }
        });
        candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        candidates.truncate(self.top_k);
        let highest = candidates.first()?.1;
        let mut total = 0.0;
        for (_, weight) in &mut candidates {
            *weight = ((*weight - highest) / self.temperature).exp();
            total += *weight;
        }
        let mut kept = 0.0;
        let enough = self.top_p * total;
        let count = candidates.iter().position(|(_, weight)| {
            kept += *weight;
            kept >= enough
        });
        candidates.truncate(count.map_or(candidates.len(), |index| index + 1));
        let kept: f32 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut point = self.random.unit() as f32 * kept;
        for (token, weight) in &candidates {
            if point < *weight {
                return Some(*token);
            }
            point -= weight;
        }
        candidates.last().map(|(token, _)| *token)
    }
}

fn each(logits: &[f32], allowed: Option<&SimpleVob>, mut visit: impl FnMut(Token, f32)) {
    match allowed {
        None => {
            for (token, logit) in (0..).zip(logits) {
                visit(token, *logit);
            }
        }
        Some(allowed) => allowed.iter_set_entries(|index| {
            if let (Some(logit), Ok(token)) = (logits.get(index), Token::try_from(index)) {
                visit(token, *logit);
            }
        }),
    }
}

fn likeliest(logits: &[f32], allowed: Option<&SimpleVob>) -> Option<Token> {
    if allowed.is_none() {
        // The whole vocabulary for every token: written so that it becomes vector instructions.
        let lanes = logits.chunks_exact(16).fold([f32::NEG_INFINITY; 16], |mut high, chunk| {
            for (high, logit) in high.iter_mut().zip(chunk) {
                *high = if *logit > *high { *logit } else { *high };
            }
            high
        });
        let rest = logits.chunks_exact(16).remainder();
        let high = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
        let index = logits.iter().position(|logit| *logit == high)?;
        return Token::try_from(index).ok();
    }
    let mut best: Option<(Token, f32)> = None;
    each(logits, allowed, |token, logit| {
        if !logit.is_nan() && best.is_none_or(|(_, high)| logit > high) {
            best = Some((token, logit));
        }
    });
    best.map(|(token, _)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature: f64, top_p: f64, top_k: u32, seed: u64) -> Sampler {
        let asked = Sampling {
            temperature: Some(temperature),
            top_p: Some(top_p),
            top_k: Some(top_k),
            seed: Some(seed),
        };
        Sampler::new(asked, Sampling::default(), &Seeded::new(0))
    }

    fn draws(mut sampler: Sampler, logits: &[f32], allowed: Option<&SimpleVob>) -> Vec<Token> {
        (0..200).map(|_| sampler.draw(logits, allowed).unwrap()).collect()
    }

    const LOGITS: [f32; 5] = [1.0, 3.0, 2.5, -4.0, f32::NAN];

    #[test]
    fn temperature_zero_takes_the_likeliest() {
        assert!(draws(sampler(0.0, 1.0, 0, 1), &LOGITS, None).iter().all(|t| *t == 1));
    }

    #[test]
    fn only_what_is_allowed_is_drawn() {
        let mut allowed = SimpleVob::alloc(5);
        allowed.allow_token(0);
        allowed.allow_token(3);
        let drawn = draws(sampler(5.0, 1.0, 0, 1), &LOGITS, Some(&allowed));
        assert!(drawn.iter().all(|t| *t == 0 || *t == 3));
        assert!(sampler(1.0, 1.0, 0, 1).draw(&LOGITS, Some(&SimpleVob::alloc(5))).is_none());
    }

    #[test]
    fn the_likeliest_is_found_anywhere_in_a_long_row() {
        for place in [0, 15, 16, 37, 50] {
            let mut row = vec![0.5; 51];
            row[3] = f32::NAN;
            row[place] = 9.0;
            assert_eq!(likeliest(&row, None), Some(place as Token));
        }
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        assert!(draws(sampler(1.0, 1.0, 2, 7), &LOGITS, None).iter().all(|t| [1, 2].contains(t)));
        assert!(draws(sampler(1.0, 0.5, 0, 7), &LOGITS, None).iter().all(|t| *t == 1));
    }

    #[test]
    fn a_seed_repeats_and_draws_follow_the_odds() {
        let once = draws(sampler(1.0, 1.0, 0, 42), &LOGITS, None);
        assert_eq!(once, draws(sampler(1.0, 1.0, 0, 42), &LOGITS, None));
        let ones = once.iter().filter(|t| **t == 1).count();
        // Odds of token 1 are e^3 / (e^1 + e^3 + e^2.5) = 0.57.
        assert!((80..150).contains(&ones), "{ones}");
    }
}
