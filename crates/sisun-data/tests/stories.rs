//! The stories hold together, and those in `data/` are the ones the recipe makes.
#![allow(clippy::unwrap_used)]

use sisun_data::stories::{SHIPPED, StoryLanguage, make_stories};
use std::{collections::HashSet, path::Path};

const LANGUAGES: [StoryLanguage; 2] = [StoryLanguage::English, StoryLanguage::Korean];

#[test]
fn the_shipped_corpora_follow_their_recipe() {
    for recipe in SHIPPED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../data")
            .join(recipe.file);
        let shipped = std::fs::read_to_string(path).unwrap();
        assert!((1_000_000..3_000_000).contains(&shipped.len()));
        let made = make_stories(recipe.language, recipe.seed, recipe.min_bytes);
        assert!(
            made == shipped,
            "{} is not what its recipe makes",
            recipe.file
        );
    }
}

#[test]
fn a_seed_gives_its_own_stories_and_a_longer_corpus_begins_with_a_shorter_one() {
    for language in LANGUAGES {
        let short = make_stories(language, 7, 1_000);
        assert_eq!(short, make_stories(language, 7, 1_000));
        assert_ne!(short, make_stories(language, 8, 1_000));
        assert!(make_stories(language, 7, 50_000).starts_with(&short));
        assert!((1_000..4_000).contains(&short.len()));
    }
}

#[test]
fn a_story_is_a_line_of_a_few_sentences_and_hardly_any_comes_twice() {
    for language in LANGUAGES {
        let text = make_stories(language, 3, 300_000);
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        let stories: Vec<&str> = text.trim_end().split("\n\n").collect();
        for story in &stories {
            assert!(!story.contains(['\n', '{', '}', '[', ']', '|']), "{story}");
            assert!(!story.contains("  ") && story.trim() == *story, "{story}");
            assert!(story.ends_with(['.', '!', '?', '"']), "{story}");
            assert_eq!(story.matches('"').count() % 2, 0, "{story}");
            assert!(
                (4..=16).contains(&sentences(story)),
                "{} sentences: {story}",
                sentences(story)
            );
        }
        let distinct: HashSet<&&str> = stories.iter().collect();
        assert!(
            distinct.len() * 1000 >= stories.len() * 999,
            "{} of {}",
            distinct.len(),
            stories.len()
        );
    }
}

/// Sentences of the narration: what someone says counts with the words that say who.
fn sentences(story: &str) -> usize {
    let narration: String = story
        .split('"')
        .enumerate()
        .map(|(i, part)| if i % 2 == 0 { part } else { "…" })
        .collect();
    narration
        .split(['.', '!', '?'])
        .filter(|sentence| !sentence.trim().is_empty())
        .count()
}

/// The prompts of the examples in the documentation consist of text from the stories.
#[test]
fn the_words_of_the_examples_are_in_the_stories() {
    for (language, sentences) in [
        (
            StoryLanguage::English,
            &[
                "Once upon a time, ",
                "Once there was ",
                "The cat sat on the mat.",
            ][..],
        ),
        (
            StoryLanguage::Korean,
            &["옛날에 ", "고양이가 방석 위에 앉았어요.", "밥을 먹었어요."],
        ),
    ] {
        let text = make_stories(language, 5, 300_000);
        for sentence in sentences {
            assert!(text.matches(sentence).count() >= 5, "{sentence}");
        }
    }
}

#[test]
fn english_articles_and_capitals_are_right() {
    let text = make_stories(StoryLanguage::English, 5, 300_000);
    for word in text.split([' ', '\n', '"']).collect::<Vec<_>>().windows(2) {
        let vowel = word[1].starts_with(['a', 'e', 'i', 'o', 'u'])
            && !["ukulele", "unicycle"]
                .iter()
                .any(|w| word[1].starts_with(w));
        match word[0] {
            "a" | "A" => assert!(!vowel, "{word:?}"),
            "an" | "An" => assert!(vowel, "{word:?}"),
            _ => {}
        }
    }
    for story in text.trim_end().split("\n\n") {
        assert!(
            story
                .trim_start_matches('"')
                .starts_with(char::is_uppercase),
            "{story}"
        );
        let characters: Vec<char> = story.chars().collect();
        for four in characters.windows(3) {
            assert!(
                !(matches!(four, ['.' | '!' | '?', ' ', c] if c.is_lowercase())),
                "{story}"
            );
        }
    }
}

#[test]
fn korean_particles_follow_the_final_consonant() {
    let text = make_stories(StoryLanguage::Korean, 5, 300_000);
    let mut checked = 0;
    for word in text.split(|c: char| !('가'..='힣').contains(&c)) {
        for (particle, after_consonant) in
            [("을", true), ("를", false), ("과", true), ("와", false)]
        {
            // Words that only look like a noun with a particle.
            let noun = word
                .strip_suffix(particle)
                .filter(|_| !["마을", "가져와", "과", "와"].contains(&word));
            if let Some(last) = noun.and_then(|noun| noun.chars().last()) {
                assert_eq!(
                    (u32::from(last) - 0xAC00) % 28 != 0,
                    after_consonant,
                    "{word}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 2_000, "{checked}");
}
