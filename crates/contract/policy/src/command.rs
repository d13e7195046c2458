//! What a command line is made of.

mod expansion;
mod implied;
mod loose;
mod named;
mod reached;

pub use named::{NamedPath, named_paths};
pub(crate) use reached::{Command, base_name, reached};

/// Words that open or close a compound command, or change how the line is read.
const KEYWORDS: &[&str] = &[
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
    "function", "if", "in", "select", "then", "time", "until", "while", "{", "}",
];

/// Splits a POSIX shell command line into its simple commands: `cd a && x | y; z` gives four.
///
/// Each part is written in one normal form, so that rules can be held against it: quotes that are not
/// needed are gone (`g"i"t 'push'` is `git push`), one space stands between words. A command with
/// assignments in front (`A=1 make`) is listed twice, with and without them: an allow rule must cover
/// the first, a deny rule sees the second. A file that a command reads (`sh <a`) is one of its words.
///
/// `None` means that the line can't be taken apart with certainty: substitutions (`$(…)`, backticks,
/// `<(…)`, `${…}`), here-documents, redirections that write anywhere but to `/dev/null` or another
/// descriptor, groups, keywords, a command name that is only known when the shell runs, or bad syntax.
#[must_use]
pub fn simple_commands(line: &str) -> Option<Vec<String>> {
    let mut reader =
        Reader { rest: line.chars().collect(), at: 0, commands: vec![], words: vec![] };
    reader.line()?;
    (!reader.commands.is_empty()).then_some(reader.commands)
}

/// One word of a simple command.
#[derive(Default)]
struct Word {
    /// The text without its quotes.
    text: String,
    /// The same where something expands: what the shell takes as it stands is escaped, what expands is not.
    spelled: String,
    /// Whether `spelled` ends in the name of a variable, which a letter that follows would lengthen.
    in_name: bool,
    /// Whether the shell still does something with it: a variable, a glob, a brace.
    expands: bool,
    /// Whether any of it was quoted; a quoted keyword is an ordinary word.
    quoted: bool,
    /// Whether the text is in its normal form already: a redirection, or a command that has a keyword's name.
    normal: bool,
}

impl Word {
    /// Adds what the shell takes as it stands.
    fn literal(&mut self, text: &str) {
        for char in text.chars() {
            if char == '\n' {
                // A backslash before the end of a line would take both away.
                self.spelled.push_str("'\n'");
            } else {
                if is_special(char) || (self.in_name && is_of_name(char)) {
                    self.spelled.push('\\');
                }
                self.spelled.push(char);
            }
            self.in_name = false;
        }
        self.text.push_str(text);
    }

    /// Adds what the shell puts something else in the place of.
    fn expanding(&mut self, text: &str) {
        self.expands = true;
        self.in_name = false;
        self.text.push_str(text);
        self.spelled.push_str(text);
    }
}

struct Reader {
    rest: Vec<char>,
    at: usize,
    commands: Vec<String>,
    words: Vec<Word>,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn after(&self) -> Option<char> {
        self.rest.get(self.at + 1).copied()
    }

    fn line(&mut self) -> Option<()> {
        // Whether the last separator asks for a command after it (`&&`, `||`, `|`).
        let mut owed = false;
        while let Some(char) = self.peek() {
            match char {
                ' ' | '\t' => self.at += 1,
                '\\' if self.after() == Some('\n') => self.at += 2,
                '#' => {
                    while self.peek().is_some_and(|char| char != '\n') {
                        self.at += 1;
                    }
                }
                '\n' => {
                    self.at += 1;
                    if !self.words.is_empty() {
                        self.end()?;
                        owed = false;
                    }
                }
                ';' => {
                    self.at += 1;
                    self.end()?;
                    owed = false;
                }
                '&' if self.after() == Some('>') => return None,
                '&' | '|' => {
                    let doubled = self.after() == Some(char);
                    self.at +=
                        if doubled || (char == '|' && self.after() == Some('&')) { 2 } else { 1 };
                    self.end()?;
                    owed = doubled || char == '|';
                }
                '<' | '>' => self.redirection()?,
                '(' | ')' => return None,
                _ => {
                    let word = self.word()?;
                    let number =
                        !word.quoted && word.text.bytes().all(|byte| byte.is_ascii_digit());
                    // The number of a descriptor belongs to the redirection that touches it.
                    if !(number && matches!(self.peek(), Some('<' | '>'))) {
                        self.words.push(word);
                    }
                }
            }
        }
        if self.words.is_empty() {
            return (!owed).then_some(());
        }
        self.end()
    }

    /// Reads input from a file, to `/dev/null`, or to another descriptor; anything else is not sure.
    fn redirection(&mut self) -> Option<()> {
        let writes = self.peek() == Some('>');
        self.at += 1;
        match self.peek()? {
            '&' => {
                self.at += 1;
                let target = self.word()?;
                let descriptor =
                    target.text.bytes().all(|byte| byte.is_ascii_digit()) || target.text == "-";
                return (!target.text.is_empty() && !target.expands && descriptor).then_some(());
            }
            '>' if writes => self.at += 1,
            '<' | '>' | '(' | '|' => return None,
            _ => {}
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
        let target = self.word()?;
        if writes {
            return (target.text == "/dev/null" && !target.expands).then_some(());
        }
        // What it reads is part of what it does: `sh <a` is not `sh <b`.
        let text = joined(std::slice::from_ref(&target));
        let text = format!("<{text}");
        self.words.push(Word { text, normal: true, ..Word::default() });
        (!target.text.is_empty()).then_some(())
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word::default();
        while let Some(char) = self.peek() {
            match char {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' => break,
                '(' | ')' | '`' => return None,
                '\'' => {
                    word.quoted = true;
                    let length = self.rest[self.at + 1..].iter().position(|char| *char == '\'')?;
                    let text = &self.rest[self.at + 1..=self.at + length];
                    word.literal(&text.iter().collect::<String>());
                    self.at += length + 2;
                }
                '"' => self.double_quoted(&mut word)?,
                '\\' => {
                    word.quoted = true;
                    match self.after()? {
                        // The line goes on, and so does the name, which was read without the rest.
                        '\n' if word.in_name => return None,
                        '\n' => {}
                        escaped => word.literal(escaped.encode_utf8(&mut [0; 4])),
                    }
                    self.at += 2;
                }
                '$' => self.variable(&mut word)?,
                '*' | '?' | '[' | '{' | '}' | '~' => {
                    word.expanding(char.encode_utf8(&mut [0; 4]));
                    self.at += 1;
                }
                _ => {
                    word.literal(char.encode_utf8(&mut [0; 4]));
                    self.at += 1;
                }
            }
        }
        Some(word)
    }

    fn double_quoted(&mut self, word: &mut Word) -> Option<()> {
        word.quoted = true;
        self.at += 1;
        loop {
            match self.peek()? {
                '"' => {
                    self.at += 1;
                    return Some(());
                }
                '`' => return None,
                '$' if matches!(self.after(), Some('"' | ' ')) => {
                    word.literal("$");
                    self.at += 1;
                }
                '$' => self.variable(word)?,
                '\\' => {
                    match self.after()? {
                        '\n' if word.in_name => return None,
                        '\n' => {}
                        escaped @ ('"' | '\\' | '$' | '`') => {
                            word.literal(escaped.encode_utf8(&mut [0; 4]));
                        }
                        other => word.literal(&format!("\\{other}")),
                    }
                    self.at += 2;
                }
                char => {
                    word.literal(char.encode_utf8(&mut [0; 4]));
                    self.at += 1;
                }
            }
        }
    }

    /// `$NAME`, `$1` and `$?` only ever become arguments; every other use of `$` may run something.
    fn variable(&mut self, word: &mut Word) -> Option<()> {
        let first = self.after()?;
        if !(first.is_ascii_alphanumeric() || matches!(first, '_' | '?')) {
            return None;
        }
        let named = first.is_ascii_alphabetic() || first == '_';
        let name = self.rest[self.at + 1..].iter().take_while(|char| is_of_name(**char)).count();
        let length = if named { name } else { 1 };
        word.expanding(&self.rest[self.at..=self.at + length].iter().collect::<String>());
        word.in_name = named;
        self.at += length + 1;
        Some(())
    }

    /// Ends a simple command. An empty one is bad syntax.
    fn end(&mut self) -> Option<()> {
        let mut words = std::mem::take(&mut self.words);
        let assigned = words.iter().take_while(|word| is_assignment(&word.text)).count();
        let Some(name) = words.get_mut(assigned) else {
            // Assignments alone run nothing, but they change what later commands do.
            return None;
        };
        let plain = |char: char| char.is_ascii_alphanumeric() || "_-./+@:%,".contains(char);
        let known = !name.expands
            && !name.text.is_empty()
            && name.text.chars().all(plain)
            && (name.quoted || !is_keyword(&name.text));
        if !known && name.text != "[" {
            return None;
        }
        if is_keyword(&name.text) {
            name.text = format!("'{}'", name.text);
            name.normal = true;
        }
        self.commands.push(joined(&words));
        if assigned > 0 {
            self.commands.push(joined(&words[assigned..]));
        }
        Some(())
    }
}

pub(crate) fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && name.chars().all(is_of_name)
}

fn is_keyword(text: &str) -> bool {
    KEYWORDS.contains(&text)
}

fn is_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Whether the shell reads more into a character than itself.
fn is_special(char: char) -> bool {
    char.is_whitespace() || "'\"\\$`;&|<>()#*?[{}~!".contains(char)
}

/// The words with one space between them; those that would read differently are quoted.
fn joined(words: &[Word]) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        if word.normal || (!word.text.is_empty() && !word.text.contains(is_special)) {
            line.push_str(&word.text);
        } else if word.expands {
            line.push_str(&word.spelled);
        } else {
            line.push('\'');
            line.push_str(&word.text.replace('\'', "'\\''"));
            line.push('\'');
        }
    }
    line
}

#[cfg(test)]
mod tests;
