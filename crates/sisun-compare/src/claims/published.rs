//! The published claims.

use super::claim::{Claim, Rule};

const KAZEMNEJAD: &str = "Kazemnejad et al. 2023, means of 3 seeds, trained on lengths 1-20";
const PRESS: &str = "Press et al. 2022, WikiText-103, trained at 512, non-overlapping perplexity";
const HAVIV: &str = "Haviv et al. 2022, WikiText-103";

const NOTES: &str = "lecture notes on self-attention, after Vaswani et al. 2017";

/// Claims from papers that models of this size can test.
pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        statement: "On random copying, sinusoidal positions fall to nothing within a few letters beyond the training lengths.",
        source: KAZEMNEJAD,
        published: "exact match .54 at length 21, 0 at 23",
        rule: Rule::FallsTo {
            task: "copy",
            variant: "sinusoidal",
            beyond: 5,
            limit: 0.1,
        },
    },
    Claim {
        statement: "Copying longer text than trained on, no positions at all do better than sinusoidal ones.",
        source: KAZEMNEJAD,
        published: ".305 against .028",
        rule: Rule::Generalises {
            task: "copy",
            better: "none",
            worse: "sinusoidal",
        },
    },
    Claim {
        statement: "Copying longer text than trained on, T5's bias does better than rotary positions on a quarter of each head.",
        source: KAZEMNEJAD,
        published: ".420 against .011",
        rule: Rule::Generalises {
            task: "copy",
            better: "t5_bias",
            worse: "rope fraction 0.25",
        },
    },
    Claim {
        statement: "Copying longer text than trained on, ALiBi does better than rotary positions on a quarter of each head.",
        source: KAZEMNEJAD,
        published: ".331 against .011",
        rule: Rule::Generalises {
            task: "copy",
            better: "alibi",
            worse: "rope fraction 0.25",
        },
    },
    Claim {
        statement: "Copying one repeated letter longer than trained on, no positions do better than ALiBi.",
        source: KAZEMNEJAD,
        published: ".986 against .289",
        rule: Rule::Generalises {
            task: "copy-repeated",
            better: "none",
            worse: "alibi",
        },
    },
    Claim {
        statement: "Copying one repeated letter longer than trained on, T5's bias does better than sinusoidal positions.",
        source: KAZEMNEJAD,
        published: ".771 against .000",
        rule: Rule::Generalises {
            task: "copy-repeated",
            better: "t5_bias",
            worse: "sinusoidal",
        },
    },
    Claim {
        statement: "Reversing longer text than trained on, no positions do better than sinusoidal ones.",
        source: KAZEMNEJAD,
        published: ".230 against .023",
        rule: Rule::Generalises {
            task: "reverse",
            better: "none",
            worse: "sinusoidal",
        },
    },
    Claim {
        statement: "Reversing longer text than trained on, T5's bias does better than rotary positions on a quarter of each head.",
        source: KAZEMNEJAD,
        published: ".242 against .077",
        rule: Rule::Generalises {
            task: "reverse",
            better: "t5_bias",
            worse: "rope fraction 0.25",
        },
    },
    Claim {
        statement: "At twice the trained context, ALiBi predicts text better than sinusoidal positions.",
        source: PRESS,
        published: "18.73 against 43.54 at 1012",
        rule: Rule::Predicts {
            factor: 2.0,
            better: "alibi",
            worse: "sinusoidal",
        },
    },
    Claim {
        statement: "At twice the trained context, rotary positions predict text better than sinusoidal ones.",
        source: PRESS,
        published: "21.37 against 43.54 at 1012",
        rule: Rule::Predicts {
            factor: 2.0,
            better: "rope",
            worse: "sinusoidal",
        },
    },
    Claim {
        statement: "At four times the trained context, ALiBi predicts text better than rotary positions.",
        source: PRESS,
        published: "18.41 against 31.58 at 2512",
        rule: Rule::Predicts {
            factor: 4.0,
            better: "alibi",
            worse: "rope",
        },
    },
    Claim {
        statement: "Sinusoidal positions predict text worse at twice the trained context than at the trained one.",
        source: PRESS,
        published: "43.54 at 1012 against 20.05 at 512",
        rule: Rule::Worsens {
            factor: 2.0,
            variant: "sinusoidal",
        },
    },
    Claim {
        statement: "Rotary positions predict text worse at four times the trained context than at the trained one.",
        source: PRESS,
        published: "31.58 at 2512 against 20.07 at 512",
        rule: Rule::Worsens {
            factor: 4.0,
            variant: "rope",
        },
    },
    Claim {
        statement: "ALiBi predicts text better at twice the trained context than at the trained one.",
        source: PRESS,
        published: "18.73 at 1012 against 19.73 at 512",
        rule: Rule::Improves {
            factor: 2.0,
            variant: "alibi",
        },
    },
    Claim {
        statement: "At a trained context of 64, sinusoidal positions predict text better than ALiBi.",
        source: "Press et al. 2022, trained at 64",
        published: "28.03 against 28.46",
        rule: Rule::PredictsTrainedOn {
            context_len: 64,
            better: "sinusoidal",
            worse: "alibi",
        },
    },
    Claim {
        statement: "At the trained context, learned positions predict text better than none.",
        source: HAVIV,
        published: "20.42 against 20.97",
        rule: Rule::Predicts {
            factor: 1.0,
            better: "learned",
            worse: "none",
        },
    },
    Claim {
        statement: "Without positions a model cannot tell the order of its tokens, and so cannot copy.",
        source: NOTES,
        published: "no number; Haviv et al. 2022 find the opposite behind a causal mask",
        rule: Rule::Fails {
            task: "copy",
            variant: "none",
            limit: 0.1,
        },
    },
    Claim {
        statement: "Without a mask the training loss looks wonderful, because the model sees what it is asked for.",
        source: NOTES,
        published: "no number",
        rule: Rule::Leaks { variant: "no mask" },
    },
    Claim {
        statement: "Without feed-forward networks a model predicts text worse.",
        source: "lecture notes on self-attention; Dong et al. 2021",
        published: "no number of this kind; output ranks of pure attention fall doubly exponentially with depth",
        rule: Rule::Predicts {
            factor: 1.0,
            better: "whole",
            worse: "no feed-forward",
        },
    },
    Claim {
        statement: "Without residual connections a model predicts text worse.",
        source: "lecture notes on self-attention; Dong et al. 2021",
        published: "no number of this kind; without them rank collapses, with them it does not",
        rule: Rule::Predicts {
            factor: 1.0,
            better: "whole",
            worse: "no residuals",
        },
    },
    Claim {
        statement: "One wide head predicts text worse than several narrow ones.",
        source: "Vaswani et al. 2017, table 3 (A)",
        published: "24.9 against 25.8 BLEU, 1 head against 8",
        rule: Rule::Predicts {
            factor: 1.0,
            better: "whole",
            worse: "one head",
        },
    },
    Claim {
        statement: "Without the division of scores by the root of d_head a model predicts text worse.",
        source: "Vaswani et al. 2017, section 3.2.1",
        published: "no number; expected for large d_head",
        rule: Rule::Predicts {
            factor: 1.0,
            better: "whole",
            worse: "no scale",
        },
    },
];
