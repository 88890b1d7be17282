//! The list of steps of one computation.

use super::context::StepContext;
use super::words::{Both, SCRIPT, Script, Step, filled, word};
use serde::Serialize;
use sisun_infer::Language;

/// A step, worded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkedStep {
    /// Name of the step.
    pub id: &'static str,
    /// Its number among the steps of this computation, from 1.
    pub number: usize,
    /// Its title, with the number.
    pub title: String,
    /// The operation, in symbols.
    pub operation: String,
    /// The shapes of operands and result.
    pub shape: String,
    /// What results.
    pub gives: String,
    /// What is said of it.
    pub sentences: Vec<String>,
}

/// Return the steps of a computation, worded.
pub fn steps(context: &StepContext, language: Language) -> Vec<WorkedStep> {
    let script: &'static Script = &SCRIPT;
    let steps: Vec<&Step> = script
        .steps
        .iter()
        .filter(|step| context.holds(&step.when))
        .collect();
    let mut values = context.values.clone();
    for (at, step) in steps.iter().enumerate() {
        values.insert(format!("step:{}", step.id), (at + 1).to_string());
    }
    let say = |text: &Both| filled(text.of(language), &values);
    let worked = |(at, step): (usize, &&'static Step)| {
        let number = at + 1;
        let texts = step.texts.iter().filter(|text| context.holds(&text.when));
        WorkedStep {
            id: &step.id,
            number,
            title: word(
                "step",
                &[
                    ("number", &number.to_string()),
                    ("title", &say(&step.title)),
                ],
                language,
            ),
            operation: say(&step.operation),
            shape: filled(&step.shape, &values),
            gives: say(&step.gives),
            sentences: texts
                .map(|text| filled(text.of(language), &values))
                .collect(),
        }
    };
    steps.iter().enumerate().map(worked).collect()
}
