//! Korean particles whose form depends on the last sound of the word before them.

/// Pairs of endings, after a consonant and after a vowel.
const PARTICLES: [(&str, &str); 15] = [
    ("은", "는"),
    ("이", "가"),
    ("을", "를"),
    ("과", "와"),
    ("으로", "로"),
    ("아", "야"),
    ("이랑", "랑"),
    ("이나", "나"),
    ("이라고", "라고"),
    ("이라는", "라는"),
    ("이라면", "라면"),
    ("이다", "다"),
    ("이구나", "구나"),
    ("이에요", "예요"),
    ("이었어요", "였어요"),
];

/// The last sound of a word written in Hangul.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Final {
    Vowel,
    Rieul,
    Consonant,
}

impl Final {
    /// Return the last sound of a word. One that does not end in a Hangul syllable counts as ending
    /// in a vowel.
    pub(crate) fn of(word: &str) -> Self {
        // Syllables are numbered initial · 588 + vowel · 28 + final (Unicode 3.12); final 8 is ㄹ.
        match word.chars().last().map(u32::from) {
            Some(code @ 0xAC00..=0xD7A3) => match (code - 0xAC00) % 28 {
                0 => Self::Vowel,
                8 => Self::Rieul,
                _ => Self::Consonant,
            },
            _ => Self::Vowel,
        }
    }
}

/// Return the word with `particle`, which is given as after a consonant (`은`, `으로`, `이에요`), in the form that
/// the word demands. Particles with one form (`도`, `한테`) stay as they are. After ㄹ, `으로` is `로`.
pub(crate) fn with_particle(word: &str, particle: &str) -> String {
    let Some((after_consonant, after_vowel)) = PARTICLES.iter().find(|(form, _)| *form == particle)
    else {
        return format!("{word}{particle}");
    };
    let vowel_form = match Final::of(word) {
        Final::Vowel => true,
        Final::Rieul => particle == "으로",
        Final::Consonant => false,
    };
    format!(
        "{word}{}",
        if vowel_form {
            after_vowel
        } else {
            after_consonant
        }
    )
}

#[cfg(test)]
mod tests {
    use super::with_particle;

    #[test]
    fn particles_follow_the_final_sound() {
        let cases = [
            ("연", "은", "연은"),
            ("팽이", "은", "팽이는"),
            ("민수", "이", "민수가"),
            ("지훈", "이", "지훈이"),
            ("북", "을", "북을"),
            ("피리", "을", "피리를"),
            ("가람", "과", "가람과"),
            ("나래", "과", "나래와"),
            ("공원", "으로", "공원으로"),
            ("바닷가", "으로", "바닷가로"),
            ("교실", "으로", "교실로"),
            ("들", "을", "들을"),
            ("한별", "아", "한별아"),
            ("소라", "아", "소라야"),
            ("연필", "이에요", "연필이에요"),
            ("모자", "이에요", "모자예요"),
            ("반지", "이었어요", "반지였어요"),
            ("초코", "이라는", "초코라는"),
            ("구슬", "이랑", "구슬이랑"),
            ("시계", "도", "시계도"),
            ("까망이", "한테", "까망이한테"),
        ];
        for (word, particle, expected) in cases {
            assert_eq!(with_particle(word, particle), expected);
        }
    }
}
