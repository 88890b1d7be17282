//! The check of a device against values that were computed elsewhere.

use crate::computing::{Computes, Factors, OnDevice, Part};
use crate::golden::Golden;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sisun_model::fault::guarded;
use std::fmt;
use std::time::Instant;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The parts that were computed, in order. The check ends with the first that cannot be.
    pub parts: Vec<PartReport>,
    /// Seconds that the check took.
    pub seconds: f64,
}

/// The result of one part of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartReport {
    /// Name of the part.
    pub part: String,
    /// The largest difference, as a fraction of the largest expected value of its tensor; `None` if
    /// it is not a number or nothing could be computed.
    pub difference: Option<f32>,
    /// The largest accepted difference.
    pub tolerance: f32,
    /// What is wrong; `None` if the part is right.
    pub problem: Option<String>,
    /// Seconds that the part took.
    pub seconds: f64,
}

impl Report {
    /// Return true if every part is right.
    pub fn holds(&self) -> bool {
        self.parts.iter().all(|part| part.problem.is_none())
    }

    /// Return the parts that are wrong.
    pub fn wrong(&self) -> impl Iterator<Item = &PartReport> {
        self.parts.iter().filter(|part| part.problem.is_some())
    }

    /// Return what is wrong in one line; empty if nothing is.
    pub fn problems(&self) -> String {
        let problems: Vec<String> = self.wrong().map(PartReport::to_string).collect();
        problems.join("; ")
    }
}

impl fmt::Display for PartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.problem, self.difference) {
            (Some(problem), _) => write!(f, "{}: {problem}", self.part),
            (None, Some(difference)) => write!(
                f,
                "{}: differs by {difference:.0e} at most, {:.0e} is accepted",
                self.part, self.tolerance
            ),
            (None, None) => f.write_str(&self.part),
        }
    }
}

/// Check a device of Burn. A panic of its driver or of Burn is a problem of the part in progress.
pub fn check(device: &Device) -> Report {
    check_with(&OnDevice(device))
}

/// Check whatever computes.
pub fn check_with(device: &dyn Computes) -> Report {
    let began = Instant::now();
    let (golden, factors) = (Golden::all(), Factors::all());
    let mut parts = Vec::new();
    for part in Part::ALL {
        let part_began = Instant::now();
        let computed = guarded(|| match part {
            Part::Products => compare_products(&factors, &device.products(&factors)),
            _ => golden
                .iter()
                .map(|golden| compare_golden(part, golden, &device.golden(part, golden)))
                .fold(Worst::default(), Worst::or),
        });
        let failed = computed.is_err();
        let worst = computed.unwrap_or_else(|fault| Worst {
            difference: None,
            problem: Some(format!("cannot be computed: {fault}")),
        });
        parts.push(PartReport {
            part: part.name().to_owned(),
            difference: worst.difference,
            tolerance: part.tolerance(),
            problem: worst.problem,
            seconds: part_began.elapsed().as_secs_f64(),
        });
        if failed {
            break;
        }
    }
    Report {
        parts,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// The largest difference of several tensors, and the first problem.
struct Worst {
    difference: Option<f32>,
    problem: Option<String>,
}

impl Default for Worst {
    fn default() -> Self {
        Self {
            difference: Some(0.0),
            problem: None,
        }
    }
}

impl Worst {
    fn or(self, other: Self) -> Self {
        Self {
            difference: self.difference.zip(other.difference).map(|(a, b)| a.max(b)),
            problem: self.problem.or(other.problem),
        }
    }
}

fn compare_products(factors: &[Factors], found: &[Vec<f32>]) -> Worst {
    factors
        .iter()
        .zip(found)
        .map(|(factors, found)| {
            let [batch, rows, inner, columns] = factors.sizes;
            let name = format!("[{batch}, {rows}, {inner}]·[{batch}, {inner}, {columns}]");
            compare(Part::Products, &name, &factors.product(), found)
        })
        .fold(Worst::default(), Worst::or)
}

fn compare_golden(part: Part, golden: &Golden, found: &sisun_model::weights::HostTensors) -> Worst {
    let belongs = |name: &str| match part {
        Part::Products => false,
        Part::Forward | Part::CachedSteps => name == "logits",
        Part::Patterns => name.starts_with("pattern."),
        Part::Gradient => name.starts_with("gradient."),
        Part::AdapterGradient => name.starts_with("lora."),
        Part::OptimizerSteps => name.starts_with("stepped."),
    };
    let compared = golden
        .expected
        .iter()
        .filter(|(name, _)| belongs(name))
        .map(|(name, (shape, expected))| {
            let called = format!("{name} of {}", golden.name);
            match found.get(name) {
                Some((found_shape, values)) if found_shape == shape => {
                    compare(part, &called, expected, values)
                }
                Some((found_shape, _)) => Worst {
                    difference: None,
                    problem: Some(format!("{called} has shape {found_shape:?}, not {shape:?}")),
                },
                None => Worst {
                    difference: None,
                    problem: Some(format!("{called} is missing")),
                },
            }
        });
    let worst = compared.fold(Worst::default(), Worst::or);
    // Frozen parameters have no gradient.
    let surplus = found
        .keys()
        .find(|name| !golden.expected.contains_key(*name));
    match surplus {
        Some(name) => worst.or(Worst {
            difference: None,
            problem: Some(format!("{name} of {} should not be there", golden.name)),
        }),
        None => worst,
    }
}

/// Compare values with the expected ones.
fn compare(part: Part, name: &str, expected: &[f32], found: &[f32]) -> Worst {
    let not_numbers = found.iter().filter(|x| !x.is_finite()).count();
    if not_numbers > 0 || found.len() != expected.len() {
        return Worst {
            difference: None,
            problem: Some(format!(
                "{not_numbers} of {} values of {name} are no numbers",
                found.len()
            )),
        };
    }
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, f32::max);
    let size = largest(&mut expected.iter().map(|x| x.abs()));
    let off = largest(&mut expected.iter().zip(found).map(|(a, b)| (a - b).abs()));
    let difference = off / size.max(f32::MIN_POSITIVE);
    let zeros = found.iter().all(|x| *x == 0.0);
    let problem = (difference > part.tolerance()).then(|| {
        if zeros {
            format!("{name} is all zeros, and should be up to {size:.3}")
        } else {
            format!(
                "{name} differs by {off:.3e} from values up to {size:.3} ({difference:.1e}, {:.0e} is accepted)",
                part.tolerance()
            )
        }
    });
    Worst {
        difference: Some(difference),
        problem,
    }
}
