//! From letters as they are typed to letters as they are drawn, from left to right: Arabic letters join, and what is
//! written from the right is turned round (a line as a whole runs from the left).

/// What is drawn, and the letters that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub letter: char,
    pub means: String,
}

/// Arabic letters in the order of their forms, which begin at U+FE80: first and last letter of a range, and for each in it
/// how many forms it has. One: it joins nothing. Two: what goes before it. Four: both sides.
const ARABIC: [(char, &str); 2] = [
    ('\u{621}', "12222424244444222244444444"),
    ('\u{641}', "4444444224"),
];
/// Those of Persian and Urdu that names are written with: the letter, its first form, how many it has.
const MORE_ARABIC: [(char, u32, u32); 6] = [
    ('\u{67e}', 0xfb56, 4),
    ('\u{686}', 0xfb7a, 4),
    ('\u{698}', 0xfb8a, 2),
    ('\u{6a9}', 0xfb8e, 4),
    ('\u{6af}', 0xfb92, 4),
    ('\u{6cc}', 0xfbfc, 4),
];
/// What lam and the alef after it are drawn as.
const LAM: char = '\u{644}';
const LAM_AND: [(char, u32); 4] = [
    ('\u{622}', 0xfef5),
    ('\u{623}', 0xfef7),
    ('\u{625}', 0xfef9),
    ('\u{627}', 0xfefb),
];

/// The first form of an Arabic letter and how many it has; none for other letters.
fn forms(letter: char) -> Option<(u32, u32)> {
    if let Some((_, first, count)) = MORE_ARABIC.iter().find(|(one, ..)| *one == letter) {
        return Some((*first, *count));
    }
    let mut form = 0xfe80;
    for (first, counts) in ARABIC {
        let letters = (u32::from(first)..).zip(counts.bytes());
        for (one, count) in letters {
            let count = u32::from(count - b'0');
            if one == u32::from(letter) {
                return Some((form, count));
            }
            form += count;
        }
    }
    None
}

/// Vowel signs, which stand on letters and are no hindrance between two that join.
fn is_sign(letter: char) -> bool {
    matches!(letter, '\u{64b}'..='\u{65f}' | '\u{670}')
}

fn is_from_right(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

/// A line of text as it is drawn.
pub fn drawn(line: &str) -> Vec<Drawn> {
    let line = joined(line);
    let mut ordered = Vec::with_capacity(line.len());
    let mut rest = &line[..];
    while let Some(first) = rest.first() {
        let turned = is_from_right(first.letter);
        let end = rest
            .iter()
            .position(|one| is_from_right(one.letter) != turned && !(turned && one.letter == ' '));
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        let spaces = part.iter().rev().take_while(|one| one.letter == ' ');
        let (words, spaces) = part.split_at(part.len() - spaces.count());
        if turned {
            ordered.extend(words.iter().rev().cloned());
        } else {
            ordered.extend_from_slice(words);
        }
        ordered.extend_from_slice(spaces);
        rest = after;
    }
    ordered
}

/// The same letters, the Arabic ones in the form that they have beside their neighbours.
fn joined(line: &str) -> Vec<Drawn> {
    let letters: Vec<char> = line.chars().collect();
    let joins = |letter: Option<&char>, least: u32| {
        let forms = letter.and_then(|letter| forms(*letter));
        forms.is_some_and(|(_, count)| count >= least)
    };
    let mut drawn = Vec::with_capacity(letters.len());
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let before = letters[..at].iter().rev().find(|one| !is_sign(**one));
        let after = letters[at + 1..].iter().find(|one| !is_sign(**one));
        let from_before = u32::from(joins(before, 4));
        let alef = letters.get(at + 1).filter(|_| letter == LAM);
        let both = alef.and_then(|alef| LAM_AND.iter().find(|(one, _)| one == alef));
        let (form, length) = match (both, forms(letter)) {
            (Some((_, first)), _) => (first + from_before, 2),
            (None, Some((first, count))) => {
                let from_before = if count > 1 { from_before } else { 0 };
                let to_after = if count == 4 && joins(after, 2) { 2 } else { 0 };
                (first + from_before + to_after, 1)
            }
            (None, None) => (u32::from(letter), 1),
        };
        drawn.push(Drawn {
            letter: char::from_u32(form).unwrap_or(letter),
            means: letters[at..at + length].iter().collect(),
        });
        at += length;
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_from_the_right_is_turned_round() {
        for (typed, seen) in [
            ("Ada Łoś", "Ada Łoś"),
            ("שלום", "םולש"),
            ("To: אב גד (a)", "To: דג בא (a)"),
            ("12 אב 34", "12 בא 34"),
            ("", ""),
        ] {
            let line: String = drawn(typed).iter().map(|one| one.letter).collect();
            assert_eq!(line, seen);
        }
    }

    #[test]
    fn arabic_letters_join_and_still_mean_themselves() {
        // Forms as the Unicode charts list them: initial, medial, final; dal joins nothing after it.
        for (typed, seen) in [
            ("محمد", "\u{feaa}\u{fee4}\u{fea4}\u{fee3}"),
            ("دار", "\u{fead}\u{fe8d}\u{fea9}"),
            ("سلام", "\u{fee1}\u{fefc}\u{feb3}"),
            ("مُحمد", "\u{feaa}\u{fee4}\u{fea4}\u{64f}\u{fee3}"),
            ("علی", "\u{fbfd}\u{fee0}\u{fecb}"),
            ("ء", "\u{fe80}"),
            ("ي", "\u{fef1}"),
        ] {
            let line = drawn(typed);
            let shown: String = line.iter().map(|one| one.letter).collect();
            assert_eq!(shown, seen, "{typed}");
            let meant: String = line.iter().rev().map(|one| one.means.as_str()).collect();
            assert_eq!(meant, typed);
        }
    }
}
