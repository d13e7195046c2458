//! What a source file defines, told in one line: the heart of a repository map.
//!
//! Found by the words that begin a definition in each language, line by line: good enough for a map, at the
//! cost of one pass over the text.

/// A language: the endings of its files and the words that begin a definition.
struct Language {
    endings: &'static [&'static str],
    /// Words that stand right before the name that is defined.
    words: &'static [&'static str],
    /// Words that may stand before those.
    prefixes: &'static [&'static str],
}

const LANGUAGES: &[Language] = &[
    Language {
        endings: &["rs"],
        words: &["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules!"],
        prefixes: &["pub", "pub(crate)", "pub(super)", "async", "unsafe", "const", "extern"],
    },
    Language { endings: &["py"], words: &["def", "class"], prefixes: &["async"] },
    Language {
        endings: &["js", "jsx", "mjs", "ts", "tsx"],
        words: &["function", "class", "interface", "type", "enum", "const"],
        prefixes: &["export", "default", "async", "abstract", "declare"],
    },
    Language { endings: &["go"], words: &["func", "type"], prefixes: &[] },
    Language {
        endings: &["java", "kt", "cs", "swift"],
        words: &["class", "interface", "enum", "record", "fun", "func", "struct", "protocol"],
        prefixes: &[
            "public",
            "private",
            "protected",
            "internal",
            "static",
            "final",
            "abstract",
            "open",
        ],
    },
    Language {
        endings: &["rb", "php"],
        words: &["def", "class", "module", "function"],
        prefixes: &["public", "private", "protected", "static"],
    },
];

/// Names told of one file at most.
const NAMES: usize = 24;

/// The names that a file defines, in order; nothing for files of other kinds.
pub(crate) fn outline(path: &str, text: &str) -> Vec<String> {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let Some(language) = LANGUAGES.iter().find(|known| known.endings.contains(&ending)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(name) = language.defines(line)
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names.truncate(NAMES);
    names
}

impl Language {
    /// The name that a line defines.
    fn defines<'l>(&self, line: &'l str) -> Option<&'l str> {
        let mut words = line.split_whitespace().peekable();
        loop {
            let word = words.next()?;
            // `const fn` defines a function, `const X` a constant.
            let begins = self.words.contains(&word)
                && !words.peek().is_some_and(|next| self.words.contains(next));
            if begins {
                break;
            }
            if !self.prefixes.contains(&word) {
                return None;
            }
        }
        let rest = words.next()?;
        // Go's methods name their receiver first: `func (s *Stack) Push(`.
        let rest = match rest.strip_prefix('(') {
            Some(_) => line.split_once(") ")?.1,
            None => rest,
        };
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &str) {
        assert_eq!(outline(path, text).join(" "), expected);
    }

    #[test]
    fn definitions_are_found_in_every_language() {
        check(
            "a.rs",
            "pub struct Line {\n    pub(crate) const fn total<T>(&self) {\n const MAX: u8 = 1;\n let fn_like = 2;",
            "Line total MAX",
        );
        check("a.py", "class Cart:\n    async def add(self):\n# def no", "Cart add");
        check(
            "a.ts",
            "export default class Shop {\nexport const tax = 1\n  return const2",
            "Shop tax",
        );
        check(
            "a.go",
            "func (s *Stack) Push(x int) {\ntype Stack struct {\nfunc main() {",
            "Push Stack main",
        );
        check("a.java", "public final class Bill {\n  private int x;", "Bill");
        check("a.txt", "fn nothing()", "");
    }
}
