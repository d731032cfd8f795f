//! Inputs that are nearly right: changes of good ones, drawn from a seed.

mod json;
mod plain;
mod rlp;

use crate::Form;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Nothing longer is made.
pub const LENGTH_MAX: usize = 64 << 10;

/// One in so many inputs is nothing but chance.
const RANDOM_ONE_IN: u32 = 32;

/// A source of inputs. The same seed, form and good inputs give the same ones.
#[derive(Debug)]
pub struct Mutator<'a> {
    random: ChaCha8Rng,
    form: Form,
    good: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    /// Changes these.
    pub fn new(seed: u64, form: Form, good: &'a [Vec<u8>]) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            form,
            good,
        }
    }

    /// The next input.
    pub fn input(&mut self) -> Vec<u8> {
        if self.good.is_empty() || self.random.random_ratio(1, RANDOM_ONE_IN) {
            let length = self.random.random_range(0..600);
            return plain::bytes(&mut self.random, length);
        }
        let mut input = self.any();
        // One change is more often taken for right than many.
        let changes = if self.random.random() {
            1
        } else {
            self.random.random_range(2..=4)
        };
        for _ in 0..changes {
            input = self.change(input);
        }
        input.truncate(LENGTH_MAX);
        input
    }

    fn any(&mut self) -> Vec<u8> {
        let place = self.random.random_range(0..self.good.len().max(1));
        self.good.get(place).cloned().unwrap_or_default()
    }

    fn change(&mut self, input: Vec<u8>) -> Vec<u8> {
        let changed = match self.form {
            Form::Plain => None,
            // Every third change is to bytes, whatever they are.
            _ if self.random.random_ratio(1, 3) => None,
            Form::Rlp => rlp::change(&mut self.random, &input),
            Form::Json => json::change(&mut self.random, &input),
        };
        if let Some(changed) = changed {
            return changed;
        }
        let other = self.any();
        plain::change(&mut self.random, input, &other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_gives_the_same_inputs_again_and_another_gives_others() {
        for (form, good) in [
            (Form::Plain, b"some bytes of a message".to_vec()),
            (Form::Rlp, vec![0xc8, 0x83, b'c', b'a', b't', 0x83, b'd', b'o', b'g']),
            (Form::Json, br#"{"a": [1, "two", null]}"#.to_vec()),
        ] {
            let good = [good];
            let inputs = |seed| -> Vec<Vec<u8>> {
                let mut mutator = Mutator::new(seed, form, &good);
                (0..200).map(|_| mutator.input()).collect()
            };
            assert_eq!(inputs(1), inputs(1));
            assert_ne!(inputs(1), inputs(2));
            let different: BTreeSet<_> = inputs(1).into_iter().collect();
            assert!(different.len() > 150, "{form:?}: {}", different.len());
            assert!(different.iter().all(|input| input.len() <= LENGTH_MAX));
        }
    }
}
