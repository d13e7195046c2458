//! What a command line may be made of, read as far as it goes: nothing is refused.
//!
//! For what holds back. Where [`simple_commands`](super::simple_commands) says that it is not sure, this still finds
//! the words of what would run: in substitutions, groups and loops too.

/// How deep substitutions are read.
const DEPTH: usize = 8;
/// The place of a command that is still being read.
const UNPLACED: usize = usize::MAX;

/// One word as the shell will see it, quotes gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Whether the shell still does something with it.
    pub(crate) expands: bool,
    /// Whether any of it was quoted.
    quoted: bool,
}

/// A command with what is redirected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loose {
    pub(crate) words: Vec<Word>,
    /// Files that redirections read or, with `true`, write.
    pub(crate) files: Vec<(String, bool)>,
    /// What a here-document or a here-string gives it to read.
    pub(crate) input: Option<String>,
}

/// The commands of a line, those of substitutions included; nothing of what is nested too deep.
pub(crate) fn commands(line: &str) -> Vec<Loose> {
    nested(line, DEPTH)
}

fn nested(line: &str, depth: usize) -> Vec<Loose> {
    let mut reader = Reader {
        chars: line.chars().collect(),
        at: 0,
        depth,
        found: Vec::new(),
        current: Loose::default(),
        word: None,
        redirection: None,
        documents: Vec::new(),
    };
    reader.read();
    reader.found
}

/// What the next word is for, where it follows a redirection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Redirection {
    Read,
    Write,
    /// A here-string.
    Text,
    /// The end of a here-document; with `true` its lines are indented with tabs.
    Document(bool),
}

/// The command that does nothing.
fn is_nothing(command: &Loose) -> bool {
    command.words.first().is_some_and(|word| word.text == ":")
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    found: Vec<Loose>,
    current: Loose,
    word: Option<Word>,
    redirection: Option<Redirection>,
    /// Here-documents whose lines come after the end of this one: the command's place among `found` (none yet is
    /// [`UNPLACED`]), the word that ends it, and whether tabs are taken off.
    documents: Vec<(usize, Word, bool)>,
}

impl Reader {
    fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.at + by).copied()
    }

    fn push(&mut self, char: char) {
        self.word.get_or_insert_default().text.push(char);
    }

    fn expands(&mut self) {
        self.word.get_or_insert_default().expands = true;
    }

    fn read(&mut self) {
        while let Some(char) = self.ahead(0) {
            match char {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => {
                    self.end_command();
                    self.at += 1;
                    self.read_documents();
                    continue;
                }
                '#' if self.word.is_none() => {
                    while self.ahead(1).is_some_and(|char| char != '\n') {
                        self.at += 1;
                    }
                }
                '&' if self.ahead(1) == Some('>') => {}
                ';' | '&' | '|' | '(' | ')' => self.end_command(),
                '<' | '>' => {
                    self.redirect();
                    continue;
                }
                '\'' => self.quoted(),
                '"' => self.double_quoted(),
                '\\' => {
                    self.at += 1;
                    if let Some(escaped) = self.ahead(0).filter(|char| *char != '\n') {
                        self.push(escaped);
                        self.word.get_or_insert_default().quoted = true;
                    }
                }
                '$' if self.ahead(1) == Some('\'') => self.escaped(),
                // Words of another language, for whom there are any.
                '$' if self.ahead(1) == Some('"') => {}
                '$' | '`' => {
                    self.dollar();
                    continue;
                }
                '*' | '?' | '[' | '{' | '~' => {
                    self.push(char);
                    self.expands();
                }
                _ => self.push(char),
            }
            self.at += 1;
        }
        self.end_command();
    }

    /// `$'…'`, in which a backslash stands before letters and numbers of characters.
    fn escaped(&mut self) {
        self.word.get_or_insert_default().quoted = true;
        self.at += 2;
        while let Some(char) = self.ahead(0).filter(|char| *char != '\'') {
            if char != '\\' {
                self.push(char);
                self.at += 1;
                continue;
            }
            let (radix, most, skipped) = match self.ahead(1) {
                Some('x') => (16, 2, 2),
                Some('u') => (16, 4, 2),
                Some('U') => (16, 8, 2),
                Some('0'..='7') => (8, 3, 1),
                other => {
                    let meant = match other {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some(other) => other,
                        None => break,
                    };
                    self.push(meant);
                    self.at += 2;
                    continue;
                }
            };
            let digits: String = self.chars[(self.at + skipped).min(self.chars.len())..]
                .iter()
                .take(most)
                .take_while(|char| char.is_digit(radix))
                .collect();
            let meant = u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32);
            self.push(meant.unwrap_or(char::REPLACEMENT_CHARACTER));
            self.at += skipped + digits.len();
        }
    }

    fn quoted(&mut self) {
        self.word.get_or_insert_default().quoted = true;
        self.at += 1;
        while let Some(char) = self.ahead(0).filter(|char| *char != '\'') {
            self.push(char);
            self.at += 1;
        }
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_default().quoted = true;
        self.at += 1;
        while let Some(char) = self.ahead(0).filter(|char| *char != '"') {
            match char {
                '$' | '`' => {
                    self.dollar();
                    continue;
                }
                '\\' => {
                    let escaped = self.ahead(1);
                    if escaped.is_some_and(|char| !"\"\\$`\n".contains(char)) {
                        self.push('\\');
                    }
                    self.at += 1;
                    if let Some(escaped) = escaped.filter(|char| *char != '\n') {
                        self.push(escaped);
                    }
                }
                _ => self.push(char),
            }
            self.at += 1;
        }
    }

    /// Something that the shell puts in: what a command writes, a variable. Leaves it behind.
    fn dollar(&mut self) {
        self.expands();
        let (open, close) = match (self.ahead(0), self.ahead(1)) {
            (Some('`'), _) => ('`', '`'),
            (_, Some('(')) => ('(', ')'),
            (_, Some('{')) => ('{', '}'),
            _ => {
                self.push('$');
                self.at += 1;
                return;
            }
        };
        let start = self.at + if open == '`' { 1 } else { 2 };
        let end = self.closing(start, open, close);
        let inner: String = self.chars[start.min(end)..end].iter().collect();
        if open == '{' {
            // `${HOME}` is `$HOME`; what is cut off a value (`${a%/}`) is not known.
            let name = inner.find(|char| !super::is_of_name(char)).unwrap_or(inner.len());
            let cut = name > 0 && inner[name..].starts_with(['%', '#', '/', '^', ',', '@']);
            let told = if cut { &inner[..name] } else { &inner };
            format!("${told}").chars().for_each(|char| self.push(char));
        } else {
            "$()".chars().for_each(|char| self.push(char));
        }
        if self.depth > 0 && (open != '{' || inner.contains(['$', '`'])) {
            self.found.extend(nested(&inner, self.depth - 1));
        }
        self.at = (end + 1).min(self.chars.len());
    }

    /// Where what began with `open` before `start` ends. What is quoted in it ends nothing.
    fn closing(&self, start: usize, open: char, close: char) -> usize {
        let (mut end, mut depth, mut quote) = (start, 1_usize, None);
        while let Some(char) = self.chars.get(end) {
            match (quote, *char) {
                (Some('\''), char) => quote = Some('\'').filter(|_| char != '\''),
                (_, '\\') => end += 1,
                (Some('"'), '"') => quote = None,
                (None, '\'' | '"') if open != '`' => quote = Some(*char),
                (Some(_), _) => {}
                (None, char) if char == close => {
                    depth -= 1;
                    if depth == 0 {
                        return end;
                    }
                }
                (None, char) if char == open => depth += 1,
                (None, _) => {}
            }
            end += 1;
        }
        end.min(self.chars.len())
    }

    /// Reads the sign of a redirection; its word comes next.
    fn redirect(&mut self) {
        // The number of a descriptor belongs to it.
        let number =
            |word: &Word| word.text == "&" || word.text.bytes().all(|byte| byte.is_ascii_digit());
        if self.word.as_ref().is_some_and(number) {
            self.word = None;
        }
        self.end_word();
        let rest: String = self.chars[self.at..].iter().take(3).collect();
        let (length, redirection) = match rest.as_str() {
            "<<<" => (3, Redirection::Text),
            "<<-" => (3, Redirection::Document(true)),
            sign if sign.starts_with("<<") => (2, Redirection::Document(false)),
            sign if sign.starts_with("<(") || sign.starts_with(">(") => {
                // A command whose output stands for a file.
                self.dollar();
                return;
            }
            sign if sign.starts_with("<>") => (2, Redirection::Write),
            sign if sign.starts_with("<&") => (2, Redirection::Read),
            sign if sign.starts_with('<') => (1, Redirection::Read),
            sign if [">>", ">|", ">&"].iter().any(|two| sign.starts_with(two)) => {
                (2, Redirection::Write)
            }
            _ => (1, Redirection::Write),
        };
        self.at += length;
        self.redirection = Some(redirection);
    }

    fn end_word(&mut self) {
        let Some(mut word) = self.word.take() else { return };
        if matches!(word.text.as_str(), "[" | "[[" | "{" | "{}" | "~") {
            word.expands = false;
        }
        match self.redirection.take() {
            None => self.current.words.push(word),
            Some(Redirection::Read) => self.current.files.push((word.text, false)),
            Some(Redirection::Write) => self.current.files.push((word.text, true)),
            Some(Redirection::Text) => self.current.input = Some(word.text),
            Some(Redirection::Document(tabs)) => {
                self.documents.push((UNPLACED, word, tabs));
            }
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let current = std::mem::take(&mut self.current);
        for (command, _, _) in &mut self.documents {
            if *command == UNPLACED {
                *command = self.found.len();
            }
        }
        if current != Loose::default() || !self.documents.is_empty() {
            self.found.push(current);
        }
    }

    fn read_documents(&mut self) {
        for (command, end, tabs) in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            while self.at < self.chars.len() {
                let line: String =
                    self.chars[self.at..].iter().take_while(|char| **char != '\n').collect();
                self.at = (self.at + line.chars().count() + 1).min(self.chars.len());
                let line = if tabs { line.trim_start_matches('\t') } else { &line };
                if line == end.text {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if !end.quoted && self.depth > 0 && text.contains(['$', '`']) {
                // The shell runs what is substituted in it, as between double quotes.
                let line = format!(": \"{}\"", text.replace('"', "\\\""));
                let inner = nested(&line, self.depth - 1);
                self.found.extend(inner.into_iter().filter(|found| !is_nothing(found)));
            }
            if let Some(command) = self.found.get_mut(command) {
                command.input = Some(text);
            }
        }
    }
}
