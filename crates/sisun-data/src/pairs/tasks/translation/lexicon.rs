//! The words of the toy translation. Korean is written without its particles, which depend on the
//! last sound of a word.

/// A person, as a subject. `article` is true where English says `the`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) ko: &'static str,
    pub(super) en: &'static str,
    pub(super) article: bool,
}

const fn person(ko: &'static str, en: &'static str, article: bool) -> Person {
    Person { ko, en, article }
}

pub(super) const PEOPLE: [Person; 14] = [
    person("민수", "Minsu", false),
    person("지훈", "Jihun", false),
    person("서연", "Seoyeon", false),
    person("유나", "Yuna", false),
    person("지민", "Jimin", false),
    person("수빈", "Subin", false),
    person("영호", "Yeongho", false),
    person("은지", "Eunji", false),
    person("현우", "Hyeonu", false),
    person("미나", "Mina", false),
    person("아이", "child", true),
    person("선생님", "teacher", true),
    person("할머니", "grandmother", true),
    person("삼촌", "uncle", true),
];

/// The kind of a thing: what can be done with it and said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Fruit, which is peeled and picked.
    Fruit,
    /// Other food.
    Food,
    /// What one rides.
    Vehicle,
    /// Other things.
    Thing,
}

/// A thing. `countable` ones have an article in English.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noun {
    pub(super) ko: &'static str,
    pub(super) en: &'static str,
    pub(super) kind: Kind,
    pub(super) countable: bool,
}

const fn noun(ko: &'static str, en: &'static str, kind: Kind, countable: bool) -> Noun {
    Noun {
        ko,
        en,
        kind,
        countable,
    }
}

/// The word of three senses: a fruit, a vehicle, and a part of the body.
pub(super) const BAE: &str = "배";

/// The senses of 배 that are things.
pub(super) const PEAR: Noun = noun(BAE, "pear", Kind::Fruit, true);
pub(super) const BOAT: Noun = noun(BAE, "boat", Kind::Vehicle, true);

pub(super) const NOUNS: [Noun; 19] = [
    noun("사과", "apple", Kind::Fruit, true),
    noun("복숭아", "peach", Kind::Fruit, true),
    noun("감", "persimmon", Kind::Fruit, true),
    noun("귤", "tangerine", Kind::Fruit, true),
    noun("빵", "bread", Kind::Food, false),
    noun("밥", "rice", Kind::Food, false),
    noun("치킨", "chicken", Kind::Food, false),
    noun("국", "soup", Kind::Food, false),
    noun("떡", "rice cake", Kind::Food, true),
    noun("버스", "bus", Kind::Vehicle, true),
    noun("기차", "train", Kind::Vehicle, true),
    noun("자전거", "bicycle", Kind::Vehicle, true),
    noun("택시", "taxi", Kind::Vehicle, true),
    noun("책", "book", Kind::Thing, true),
    noun("의자", "chair", Kind::Thing, true),
    noun("시계", "watch", Kind::Thing, true),
    noun("가방", "bag", Kind::Thing, true),
    noun("우산", "umbrella", Kind::Thing, true),
    noun("연필", "pencil", Kind::Thing, true),
];

/// A verb with its forms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verb {
    /// `먹`, before `고`.
    pub(super) stem: &'static str,
    /// `먹었다`.
    pub(super) past: &'static str,
    /// `먹는다`.
    pub(super) present: &'static str,
    /// `eat`.
    pub(super) en: &'static str,
    /// `ate`.
    pub(super) en_past: &'static str,
    /// `eats`.
    pub(super) en_present: &'static str,
    /// Kinds of its object, or of its subject if it has no object.
    pub(super) kinds: &'static [Kind],
}

const fn verb(
    [stem, past, present]: [&'static str; 3],
    [en, en_past, en_present]: [&'static str; 3],
    kinds: &'static [Kind],
) -> Verb {
    Verb {
        stem,
        past,
        present,
        en,
        en_past,
        en_present,
        kinds,
    }
}

const ANYTHING: &[Kind] = &[Kind::Fruit, Kind::Food, Kind::Vehicle, Kind::Thing];

pub(super) const VERBS: [Verb; 10] = [
    verb(
        ["먹", "먹었다", "먹는다"],
        ["eat", "ate", "eats"],
        &[Kind::Fruit, Kind::Food],
    ),
    verb(
        ["깎", "깎았다", "깎는다"],
        ["peel", "peeled", "peels"],
        &[Kind::Fruit],
    ),
    verb(
        ["따", "땄다", "딴다"],
        ["pick", "picked", "picks"],
        &[Kind::Fruit],
    ),
    verb(
        ["타", "탔다", "탄다"],
        ["ride", "rode", "rides"],
        &[Kind::Vehicle],
    ),
    verb(
        ["고치", "고쳤다", "고친다"],
        ["repair", "repaired", "repairs"],
        &[Kind::Vehicle, Kind::Thing],
    ),
    verb(["사", "샀다", "산다"], ["buy", "bought", "buys"], ANYTHING),
    verb(
        ["팔", "팔았다", "판다"],
        ["sell", "sold", "sells"],
        ANYTHING,
    ),
    verb(["보", "보았다", "본다"], ["see", "saw", "sees"], ANYTHING),
    verb(
        ["찾", "찾았다", "찾는다"],
        ["find", "found", "finds"],
        ANYTHING,
    ),
    verb(
        ["그리", "그렸다", "그린다"],
        ["draw", "drew", "draws"],
        ANYTHING,
    ),
];

/// Verbs without an object.
pub(super) const INTRANSITIVE: [Verb; 6] = [
    verb(
        ["익", "익었다", "익는다"],
        ["ripen", "ripened", "ripens"],
        &[Kind::Fruit],
    ),
    verb(
        ["썩", "썩었다", "썩는다"],
        ["rot", "rotted", "rots"],
        &[Kind::Fruit, Kind::Food],
    ),
    verb(
        ["떨어지", "떨어졌다", "떨어진다"],
        ["fall", "fell", "falls"],
        &[Kind::Fruit, Kind::Thing],
    ),
    verb(
        ["떠나", "떠났다", "떠난다"],
        ["leave", "left", "leaves"],
        &[Kind::Vehicle],
    ),
    verb(
        ["도착하", "도착했다", "도착한다"],
        ["arrive", "arrived", "arrives"],
        &[Kind::Vehicle],
    ),
    verb(
        ["멈추", "멈췄다", "멈춘다"],
        ["stop", "stopped", "stops"],
        &[Kind::Vehicle, Kind::Thing],
    ),
];

/// A word before a noun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adjective {
    pub(super) ko: &'static str,
    pub(super) en: &'static str,
    /// Kinds of the noun.
    pub(super) kinds: &'static [Kind],
}

const fn adjective(ko: &'static str, en: &'static str, kinds: &'static [Kind]) -> Adjective {
    Adjective { ko, en, kinds }
}

const OBJECTS: &[Kind] = &[Kind::Fruit, Kind::Vehicle, Kind::Thing];

pub(super) const ADJECTIVES: [Adjective; 9] = [
    adjective("달콤한", "sweet", &[Kind::Fruit]),
    adjective("싱싱한", "fresh", &[Kind::Fruit]),
    adjective("따뜻한", "warm", &[Kind::Food]),
    adjective("맛있는", "delicious", &[Kind::Fruit, Kind::Food]),
    adjective("낡은", "old", &[Kind::Vehicle, Kind::Thing]),
    adjective("빠른", "fast", &[Kind::Vehicle]),
    adjective("느린", "slow", &[Kind::Vehicle]),
    adjective("큰", "big", OBJECTS),
    adjective("작은", "small", OBJECTS),
];

/// A place, with the kind of thing that 배 is there; `None` where it can be either.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) ko: &'static str,
    pub(super) preposition: &'static str,
    pub(super) en: &'static str,
    pub(super) article: bool,
    pub(super) suggests: Option<Kind>,
}

const fn place(
    ko: &'static str,
    [preposition, en]: [&'static str; 2],
    article: bool,
    suggests: Option<Kind>,
) -> Place {
    Place {
        ko,
        preposition,
        en,
        article,
        suggests,
    }
}

pub(super) const PLACES: [Place; 10] = [
    place("항구", ["at", "harbor"], true, Some(Kind::Vehicle)),
    place("바다", ["at", "sea"], false, Some(Kind::Vehicle)),
    place("강", ["on", "river"], true, Some(Kind::Vehicle)),
    place("과수원", ["in", "orchard"], true, Some(Kind::Fruit)),
    place("부엌", ["in", "kitchen"], true, Some(Kind::Fruit)),
    place("식당", ["in", "restaurant"], true, Some(Kind::Fruit)),
    place("시장", ["at", "market"], true, None),
    place("공원", ["in", "park"], true, None),
    place("서울", ["in", "Seoul"], false, None),
    place("부산", ["in", "Busan"], false, None),
];

/// A time: Korean words, the particle after the last of them, and the English for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) ko: &'static [&'static str],
    pub(super) particle: &'static str,
    pub(super) en: &'static [&'static str],
}

const fn time(
    ko: &'static [&'static str],
    particle: &'static str,
    en: &'static [&'static str],
) -> Time {
    Time { ko, particle, en }
}

pub(super) const PAST_TIMES: [Time; 6] = [
    time(&["어제"], "", &["yesterday"]),
    time(&["지난주"], "에", &["last week"]),
    time(&["작년"], "에", &["last year"]),
    time(&["어젯밤"], "에", &["last night"]),
    time(&["오늘", "아침"], "에", &["this", "morning"]),
    time(&["오늘", "오후"], "에", &["this", "afternoon"]),
];

pub(super) const PRESENT_TIMES: [Time; 4] = [
    time(&["매일"], "", &["every day"]),
    time(&["매주"], "", &["every week"]),
    time(&["아침"], "마다", &["every morning"]),
    time(&["주말"], "마다", &["every weekend"]),
];

/// A part of the body.
pub(super) const BODY: [(&str, &str); 4] = [
    (BAE, "stomach"),
    ("머리", "head"),
    ("다리", "leg"),
    ("손", "hand"),
];

/// What is said of a part of the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feeling {
    pub(super) past: &'static str,
    pub(super) present: &'static str,
    /// `고파`, before `서`.
    pub(super) before_seo: &'static str,
    pub(super) en_past: &'static str,
    pub(super) en_present: &'static str,
    /// `because of an … stomach`.
    pub(super) en_adjective: &'static str,
    /// True if it is said of the stomach alone.
    pub(super) of_stomach: bool,
}

pub(super) const FEELINGS: [Feeling; 3] = [
    Feeling {
        past: "아팠다",
        present: "아프다",
        before_seo: "아파",
        en_past: "hurt",
        en_present: "hurts",
        en_adjective: "sore",
        of_stomach: false,
    },
    Feeling {
        past: "고팠다",
        present: "고프다",
        before_seo: "고파",
        en_past: "was empty",
        en_present: "is empty",
        en_adjective: "empty",
        of_stomach: true,
    },
    Feeling {
        past: "불렀다",
        present: "부르다",
        before_seo: "불러",
        en_past: "was full",
        en_present: "is full",
        en_adjective: "full",
        of_stomach: true,
    },
];
