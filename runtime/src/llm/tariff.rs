//! What tokens cost, and how many there may be at most.

use serde::{Deserialize, Serialize};

use super::Prompt;
use crate::credits::Credits;

/// What 1,000 tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tariff {
    /// Of the prompt.
    pub input: Credits,
    /// Of the answer.
    pub output: Credits,
}

/// The tokens that were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input: u32,
    pub output: u32,
}

impl Tariff {
    /// What the tokens cost together, to the next thousandth of a credit.
    pub fn cost(&self, usage: Usage) -> Credits {
        let input = i128::from(self.input.as_milli()) * i128::from(usage.input);
        let output = i128::from(self.output.as_milli()) * i128::from(usage.output);
        let milli = (input + output + 999) / 1000;
        Credits::from_milli(u64::try_from(milli).unwrap_or(0))
    }

    /// How many tokens of an answer `price` pays for beside `input` tokens of a prompt.
    pub(super) fn answer_within(&self, price: Credits, input: u32) -> u32 {
        let all = i128::from(price.as_milli()) * 1000;
        let left = all - i128::from(self.input.as_milli()) * i128::from(input);
        match i128::from(self.output.as_milli()) {
            0 if left >= 0 => u32::MAX,
            0 => 0,
            each => u32::try_from((left / each).max(0)).unwrap_or(u32::MAX),
        }
    }
}

/// What a chat adds to a message, with room: names of roles, beginnings and ends.
const AROUND: usize = 64;

/// More tokens than the prompt can have: a token is at least a byte.
pub fn most_tokens(prompt: &Prompt) -> u32 {
    let bytes = prompt.instructions.len() + prompt.text.len() + AROUND;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// About as many tokens as the text has, for endpoints that do not say: four bytes a token, as English has it.
pub fn about_tokens(text: &str) -> u32 {
    u32::try_from(text.len().div_ceil(4)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARIFF: Tariff = Tariff {
        input: Credits::from_milli(100),
        output: Credits::from_milli(400),
    };

    #[test]
    fn tokens_cost_what_the_tariff_says_to_the_next_thousandth() {
        for (input, output, milli) in [
            (0, 0, 0),
            (1, 0, 1),
            (1000, 1000, 500),
            (1001, 1000, 501),
            (10, 1, 2),
        ] {
            let cost = TARIFF.cost(Usage { input, output });
            assert_eq!(cost, Credits::from_milli(milli), "{input} and {output}");
        }
        let everything = Usage {
            input: u32::MAX,
            output: u32::MAX,
        };
        assert_eq!(TARIFF.cost(everything), Credits::from_milli(2_147_483_648));
    }

    #[test]
    fn what_a_price_pays_for_costs_no_more_than_it() {
        for price in [1, 7, 100, 999, 3000].map(Credits::from_milli) {
            for input in [0, 1, 9, 10, 5000, u32::MAX] {
                let output = TARIFF.answer_within(price, input);
                if output > 0 {
                    let cost = TARIFF.cost(Usage { input, output });
                    assert!(cost <= price, "{price:?} for {input} and {output}");
                }
            }
        }
        assert_eq!(TARIFF.answer_within(Credits::whole(1), 10_001), 0);
        assert_eq!(TARIFF.answer_within(Credits::whole(1), 10_000), 0);
        assert_eq!(TARIFF.answer_within(Credits::whole(1), 9_996), 1);
    }

    #[test]
    fn a_gift_has_no_bound() {
        let free = Tariff {
            input: Credits::ZERO,
            output: Credits::ZERO,
        };
        assert_eq!(free.answer_within(Credits::whole(1), 100), u32::MAX);
    }
}
