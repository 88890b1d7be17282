use super::{Example, SYMBOLS, Task, text};
use sisun_config::randomness::stream;
use std::collections::BTreeSet;

fn parts(Example { prompt, answer }: &Example) -> (String, String) {
    (
        text(prompt).trim_end_matches('>').to_owned(),
        text(answer).trim_end_matches('.').to_owned(),
    )
}

/// Compute the answer in another way than the generator does.
fn solved(task: Task, prompt: &str) -> String {
    let numbers = |prompt: &str| {
        let (a, b) = prompt.split_once('+').expect("a sum");
        (
            a.parse::<u128>().expect("a number"),
            b.parse::<u128>().expect("a number"),
        )
    };
    match task {
        Task::Copy | Task::CopyRepeated => prompt.to_owned(),
        Task::CopyTwice => format!("{prompt}{prompt}"),
        Task::Reverse => prompt.chars().rev().collect(),
        Task::Sort => ('a'..='p')
            .flat_map(|c| vec![c; prompt.matches(c).count()])
            .collect(),
        Task::Addition => {
            let (a, b) = numbers(prompt);
            (a + b).to_string()
        }
        Task::AdditionScratchpad => {
            let (a, b) = numbers(prompt);
            let digits = prompt.len() / 2;
            let steps = (0..digits as u32).map(|i| {
                let (power, next) = (10u128.pow(i), 10u128.pow(i + 1));
                let (x, y, carry) = (
                    a / power % 10,
                    b / power % 10,
                    (a % power + b % power) / power,
                );
                assert!(a % next < next);
                format!("{x}+{y}+{carry}={},", x + y + carry)
            });
            steps.collect::<String>() + &(a + b).to_string()
        }
        Task::Recall => {
            let asked = prompt.chars().last().expect("a letter");
            let at = prompt.find(asked).expect("the letter that is asked for");
            prompt[at + 1..at + 2].to_owned()
        }
        Task::Parity => (prompt.bytes().filter(|b| *b == b'1').count() % 2).to_string(),
        Task::Majority => {
            u8::from(prompt.matches('1').count() > prompt.matches('0').count()).to_string()
        }
    }
}

#[test]
fn every_answer_is_right_and_fits() {
    for task in Task::all() {
        let mut longest_seen = 0;
        for length in 1..=15 {
            for i in 0..60 {
                let example = task.example(length, &mut stream(7, "test", i * 100 + length as u64));
                let (prompt, answer) = parts(&example);
                assert_eq!(answer, solved(task, &prompt), "{task} of {prompt}");
                let tokens = example.prompt.len() + example.answer.len();
                assert!(
                    tokens <= task.most_tokens(length),
                    "{task} of {length}: {tokens}"
                );
                longest_seen = longest_seen.max(tokens * usize::from(length == 15));
                assert!(
                    example
                        .prompt
                        .iter()
                        .chain(&example.answer)
                        .all(|id| *id > 0),
                    "padding is never asked for"
                );
            }
        }
        // Examples reach the bound or nearly so, because rows are padded to it.
        assert!(
            longest_seen + 15 >= task.most_tokens(15),
            "{task}: {longest_seen} of {}",
            task.most_tokens(15)
        );
    }
}

#[test]
fn examples_follow_from_their_stream() {
    let one = |step| Task::Copy.example(9, &mut stream(3, "test", step));
    assert_eq!(one(5), one(5));
    assert_ne!(one(5), one(6));
}

#[test]
fn names_are_read_back() {
    for task in Task::all() {
        assert_eq!(task.to_string().parse(), Ok(task));
    }
    assert!(
        "kopy"
            .parse::<Task>()
            .is_err_and(|problem| problem.contains("kopy") && problem.contains("copy-twice"))
    );
}

#[test]
fn symbols_are_distinct() {
    assert_eq!(
        SYMBOLS.chars().collect::<BTreeSet<_>>().len(),
        SYMBOLS.chars().count()
    );
}
