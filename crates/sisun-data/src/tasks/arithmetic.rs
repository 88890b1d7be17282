//! Addition, with or without the steps.

use crate::random::below;
use rand::Rng;

/// Return a prompt with two numbers of `length` digits, which do not begin with 0 unless they have
/// only one digit, and the answer: their sum, after its steps if `scratchpad`.
pub(super) fn addition(length: usize, scratchpad: bool, rng: &mut impl Rng) -> (String, String) {
    let mut number = || -> Vec<usize> {
        let first = if length == 1 {
            below(rng, 10)
        } else {
            1 + below(rng, 9)
        };
        std::iter::once(first)
            .chain((1..length).map(|_| below(rng, 10)))
            .collect()
    };
    let (a, b) = (number(), number());
    let (mut carry, mut sum, mut steps) = (0, Vec::new(), String::new());
    for (x, y) in a.iter().zip(&b).rev() {
        let total = x + y + carry;
        steps += &format!("{x}+{y}+{carry}={total},");
        sum.push(total % 10);
        carry = total / 10;
    }
    if carry > 0 {
        sum.push(carry);
    }
    let written = |digits: &mut dyn Iterator<Item = &usize>| -> String {
        digits.map(ToString::to_string).collect()
    };
    let prompt = format!("{}+{}", written(&mut a.iter()), written(&mut b.iter()));
    let sum = written(&mut sum.iter().rev());
    (prompt, if scratchpad { steps + &sum } else { sum })
}
