//! Lines with their numbers, `12|text`: how files are shown, and how a copied number is taken off again.

/// `lines` with their numbers, the first being number `first`.
pub(crate) fn number<'t>(lines: impl IntoIterator<Item = &'t str>, first: usize) -> String {
    let mut text = String::new();
    for (offset, line) in lines.into_iter().enumerate() {
        text.push_str(&format!("{}|{line}\n", first + offset));
    }
    text
}

/// A text whose line numbers were taken off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stripped {
    /// The number of its first numbered line.
    pub(crate) first: usize,
    /// The number of its last.
    pub(crate) last: usize,
    /// The text without numbers.
    pub(crate) text: String,
}

/// Takes the numbers off when every line that isn't blank has one and they rise. Code like `1|2 => x` has
/// the same look, so this is asked only where the text as it stands was not found.
pub(crate) fn strip(text: &str) -> Option<Stripped> {
    let mut numbers = Vec::new();
    let mut plain = Vec::new();
    for line in text.split('\n') {
        match split(line) {
            Some((number, rest)) => {
                numbers.push(number);
                plain.push(rest);
            }
            None if line.trim().is_empty() => plain.push(line),
            None => return None,
        }
    }
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    numbers.is_sorted_by(|a, b| a < b).then(|| Stripped { first, last, text: plain.join("\n") })
}

/// Takes the numbers off the lines that have one near `first..=last`: the new version of a numbered text,
/// in which some lines are new and bear none.
pub(crate) fn strip_near(text: &str, first: usize, last: usize) -> String {
    let reach = last + text.split('\n').count();
    let plain: Vec<&str> = text
        .split('\n')
        .map(|line| match split(line) {
            Some((number, rest)) if (first..=reach).contains(&number) => rest,
            Some(_) | None => line,
        })
        .collect();
    plain.join("\n")
}

fn split(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.trim_start().split_once('|')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.parse().ok().map(|number| (number, rest))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_off_as_they_went_on() {
        let shown = number(["fn a() {", "", "}"], 9);
        assert_eq!(shown, "9|fn a() {\n10|\n11|}\n");
        let stripped = strip(shown.trim_end()).unwrap();
        assert_eq!((stripped.first, stripped.last), (9, 11));
        assert_eq!(stripped.text, "fn a() {\n\n}");
    }

    #[test]
    fn code_that_looks_numbered_stays() {
        for code in ["2|1 => x,\n1|2 => y,", "1|2 => x,\n_ => y,", "a|b", "|x| x + 1", ""] {
            assert_eq!(strip(code), None, "{code}");
        }
    }

    #[test]
    fn only_numbers_of_the_place_come_off() {
        assert_eq!(
            strip_near("7|let a;\nlet b;\n8|    1|2 => x,\n90|z", 7, 8),
            "let a;\nlet b;\n    1|2 => x,\n90|z"
        );
    }
}
