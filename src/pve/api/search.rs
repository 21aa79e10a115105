//! Finds the methods for a question in users' words. Scans the table for each question; keeps no index.
//!
//! A question is split into notions: single words, or phrases in `synonyms.txt`. Each notion is compared with the path,
//! name, parameter names, choices and privileges of every method; notions that match few methods count more.

use super::{Param, Row, rows};
use crate::pve::Method;

/// The list of users' words and the API's words for them.
const SYNONYMS: &str = include_str!("synonyms.txt");

/// Stop words, which are ignored.
const EMPTY: &[&str] = &[
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has",
    "have", "how", "i", "in", "into", "is", "it", "its", "me", "my", "of", "on", "or", "our", "please",
    "pve", "proxmox", "s", "that", "the", "their", "there", "this", "to", "up", "was", "we", "with", "you",
];

/// The weight of a matching word, by where it occurs.
mod weight {
    pub(super) const LAST_SEGMENT: f64 = 10.0;
    pub(super) const SEGMENT: f64 = 7.0;
    pub(super) const PART_OF_SEGMENT: f64 = 5.0;
    pub(super) const NAME: f64 = 4.0;
    pub(super) const PARAM: f64 = 4.0;
    pub(super) const PART_OF_PARAM: f64 = 2.5;
    pub(super) const HOLE: f64 = 2.0;
    pub(super) const CHOICE: f64 = 2.0;
    pub(super) const PRIVILEGE: f64 = 1.0;
    /// The factor for a word that only contains the one searched for.
    pub(super) const ALMOST: f64 = 0.5;
}

/// A search result.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The method.
    pub row: Row,
    /// How well it matches; comparable only within one search.
    pub score: f64,
    /// The parameters whose names or choices match.
    pub params: Vec<&'static str>,
}

/// The methods that match a question, best first; empty if no word of it matches.
#[must_use]
pub fn methods(question: &str) -> Vec<Hit> {
    let (notions, action) = read(question);
    let all: Vec<Row> = rows().collect();
    let mut found: Vec<(Vec<f64>, Vec<&'static str>)> =
        all.iter().map(|row| measure(row, &notions)).collect();
    #[allow(clippy::cast_precision_loss, reason = "counts of methods are small")]
    let rarity: Vec<f64> = (0..notions.len())
        .map(|at| {
            let having = found.iter().filter(|(scores, _)| 0.0 < scores[at]).count();
            (1.0 + all.len() as f64 / (1.0 + having as f64)).ln()
        })
        .collect();
    let whole: f64 = rarity.iter().sum();
    let mut hits: Vec<Hit> = Vec::new();
    for (row, (scores, params)) in all.into_iter().zip(found.drain(..)) {
        let sum: f64 = scores.iter().zip(&rarity).map(|(score, rare)| score * rare).sum();
        if sum <= 0.0 {
            continue;
        }
        let met: f64 =
            scores.iter().zip(&rarity).filter(|(score, _)| 0.0 < **score).map(|(_, rare)| rare).sum();
        let by_action = match action {
            Some(wanted) if wanted == row.method() => 1.4,
            // Some changes are a POST, others a PUT.
            Some(Method::Put | Method::Post) if matches!(row.method(), Method::Put | Method::Post) => 1.15,
            Some(_) => 0.8,
            None if row.method() == Method::Get => 1.1,
            None => 1.0,
        };
        #[allow(clippy::cast_precision_loss, reason = "paths have few segments")]
        let depth = row.path().split('/').count() as f64;
        let score = sum * (met / whole) * by_action / (1.0 + depth / 20.0);
        hits.push(Hit { row, score, params });
    }
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    hits
}

/// A concept in a question. It matches if one of its `ways` does; a way matches if all of its words do.
struct Notion {
    ways: Vec<Vec<String>>,
}

/// Parses a question into notions and the method that its verb suggests.
fn read(question: &str) -> (Vec<Notion>, Option<Method>) {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let (mut notions, mut action) = (Vec::new(), None);
    let mut rest = &words[..];
    while let Some((first, after)) = rest.split_first() {
        let Some((length, meaning)) = synonym(rest) else {
            if !EMPTY.contains(first) {
                notions.push(Notion { ways: vec![vec![stem(first)]] });
            }
            rest = after;
            continue;
        };
        match meaning {
            Meaning::Action(method) => action = action.or(Some(method)),
            Meaning::Ways { ways, own } => {
                let mut ways: Vec<Vec<String>> =
                    ways.split('|').map(|way| way.split_whitespace().map(stem).collect()).collect();
                if own {
                    ways.push(rest[..length].iter().map(|word| stem(word)).collect());
                }
                notions.push(Notion { ways });
            }
        }
        rest = &rest[length..];
    }
    // A question that consists only of verbs searches for methods of that name.
    if notions.is_empty() {
        let ways = words.iter().filter(|word| !EMPTY.contains(word)).map(|word| vec![stem(word)]);
        notions.extend(ways.map(|way| Notion { ways: vec![way] }));
    }
    (notions, action)
}

enum Meaning {
    Action(Method),
    Ways { ways: &'static str, own: bool },
}

/// The longest entry of the synonym list that `words` begin with: its number of words, and its meaning.
fn synonym(words: &[&str]) -> Option<(usize, Meaning)> {
    let fits = |known: &str| {
        let known = known.split(' ');
        let count = known.clone().count();
        let same = |(known, word): (&str, &&str)| known == *word || stem(known) == stem(word);
        (count <= words.len() && known.zip(words).all(same)).then_some(count)
    };
    let read = |line: &'static str| {
        if let Some((known, method)) = line.split_once(" action ") {
            let method = match method {
                "GET" => Method::Get,
                "POST" => Method::Post,
                "PUT" => Method::Put,
                _ => Method::Delete,
            };
            return Some((fits(known)?, Meaning::Action(method)));
        }
        let own = line.split_once(" + ");
        let (known, ways) = own.or_else(|| line.split_once(" = "))?;
        Some((fits(known)?, Meaning::Ways { ways, own: own.is_some() }))
    };
    let lines = SYNONYMS.lines().filter(|line| !line.starts_with('#'));
    // The first of several with the same length; `max_by_key` would return the last.
    lines.filter_map(read).reduce(|best, next| if best.0 < next.0 { next } else { best })
}

/// A word without grammatical endings.
fn stem(word: &str) -> String {
    let mut word = word.to_ascii_lowercase();
    let shorten = |word: &mut String, ending: &str| {
        let fits = word.ends_with(ending) && 3 <= word.len() - ending.len();
        if fits {
            word.truncate(word.len() - ending.len());
        }
        fits
    };
    if shorten(&mut word, "ies") {
        word.push('y');
    } else if !word.ends_with("ss") && !word.ends_with("us") {
        shorten(&mut word, "s");
    }
    let _ = shorten(&mut word, "ing") || shorten(&mut word, "ed") || shorten(&mut word, "e");
    word
}

/// How well a method matches each notion, and which of its parameters match.
fn measure(row: &Row, notions: &[Notion]) -> (Vec<f64>, Vec<&'static str>) {
    let mut terms: Vec<Term> = Vec::with_capacity(64);
    let segments: Vec<&'static str> = row.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let last = segments.iter().rposition(|segment| !segment.starts_with('{'));
    for (at, segment) in segments.iter().enumerate() {
        if let Some(hole) = super::placeholder_name(segment) {
            parts(&mut terms, hole, weight::HOLE, weight::HOLE, None);
        } else {
            let ends = last == Some(at);
            let weight = if ends { weight::LAST_SEGMENT } else { weight::SEGMENT };
            parts(&mut terms, segment, weight, weight::PART_OF_SEGMENT, None);
        }
    }
    parts(&mut terms, row.name(), weight::NAME, weight::NAME, None);
    for param in row.params() {
        let name = param.name().trim_end_matches("[n]");
        if !segments.iter().any(|segment| super::placeholder_name(segment) == Some(name)) {
            parts(&mut terms, name, weight::PARAM, weight::PART_OF_PARAM, Some(param));
        }
        for choice in param.choices().into_iter().flatten() {
            parts(&mut terms, choice, weight::CHOICE, weight::CHOICE, Some(param));
        }
    }
    for word in row.privilege_text().split(|letter: char| !letter.is_ascii_alphanumeric()) {
        terms.push(Term { word, weight: weight::PRIVILEGE, param: None });
    }
    let mut params: Vec<&'static str> = Vec::new();
    let scores = notions.iter().map(|notion| {
        let ways = notion.ways.iter().map(|way| {
            let mut sum = 0.0;
            for word in way {
                let (score, param) = best(&terms, word);
                if score <= 0.0 {
                    return 0.0;
                }
                params.extend(param.filter(|name| !params.contains(name)).iter());
                sum += score;
            }
            #[allow(clippy::cast_precision_loss, reason = "ways are a few words long")]
            let words = way.len().max(1) as f64;
            sum / words
        });
        ways.fold(0.0, f64::max)
    });
    let scores = scores.collect();
    (scores, params)
}

/// A word of a method, and its weight.
struct Term {
    word: &'static str,
    weight: f64,
    param: Option<Param>,
}

/// Adds a name as a whole, and its parts.
fn parts(terms: &mut Vec<Term>, name: &'static str, whole: f64, part: f64, param: Option<Param>) {
    terms.push(Term { word: name, weight: whole, param });
    if name.contains(['-', '_']) {
        terms.extend(name.split(['-', '_']).map(|word| Term { word, weight: part, param }));
    }
}

/// The highest score of a word in a method, and the parameter that it occurs in.
fn best(terms: &[Term], wanted: &str) -> (f64, Option<&'static str>) {
    let mut best = (0.0, None);
    for term in terms {
        let score = if same(term.word, wanted) {
            term.weight
        } else if 3 <= wanted.len() && term.word.len() <= 40 && holds(term.word, wanted) {
            term.weight * weight::ALMOST
        } else {
            continue;
        };
        if best.0 < score {
            best = (score, term.param.map(|param| param.name()));
        }
    }
    best
}

/// Whether a word of the table has that stem. Compares the beginnings first, which excludes most words.
fn same(word: &str, wanted: &str) -> bool {
    let starts = word.len() >= wanted.len().saturating_sub(1)
        && word.as_bytes()[..wanted.len() - 1].eq_ignore_ascii_case(&wanted.as_bytes()[..wanted.len() - 1]);
    starts && word.len() <= wanted.len() + 4 && stem(word) == wanted
}

fn holds(word: &str, wanted: &str) -> bool {
    word.as_bytes().windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_meet_in_their_stems() {
        for (one, other) in
            [("resizing", "resize"), ("policies", "policy"), ("nodes", "node"), ("backed", "backing")]
        {
            assert_eq!(stem(one), stem(other));
        }
        assert_ne!(stem("status"), stem("state"));
    }

    #[test]
    fn every_line_of_the_synonyms_is_understood_and_leads_somewhere() {
        for line in SYNONYMS.lines().filter(|line| !line.starts_with('#')) {
            if line.contains(" action ") {
                continue;
            }
            let (known, ways) =
                line.split_once(" + ").or_else(|| line.split_once(" = ")).expect("one of the three forms");
            for way in ways.split('|') {
                let notion = Notion { ways: vec![way.split_whitespace().map(stem).collect()] };
                let met = rows().any(|row| 0.0 < measure(&row, std::slice::from_ref(&notion)).0[0]);
                assert!(met, "`{known}`: no method has all of `{}`", way.trim());
            }
        }
    }
}
