//! A page of HTML as text that a model can read: headings, lists, links and tables in the signs of Markdown.
//!
//! It reads tokens, not a tree: what is nested wrongly is read as it stands, and nothing of it grows with the nesting.

use bottega_policy::egress::WebUrl;
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// What stands in these is not for reading.
const HIDDEN: [&str; 9] =
    ["script", "style", "template", "svg", "iframe", "object", "canvas", "datalist", "math"];

/// These stand apart from what is around them by an empty line.
const APART: [&str; 12] = [
    "p",
    "ul",
    "ol",
    "dl",
    "table",
    "blockquote",
    "pre",
    "figure",
    "hr",
    "fieldset",
    "details",
    "title",
];

/// These begin a line.
const LINES: [&str; 22] = [
    "address",
    "article",
    "aside",
    "body",
    "caption",
    "dd",
    "div",
    "dt",
    "figcaption",
    "footer",
    "form",
    "header",
    "legend",
    "li",
    "main",
    "nav",
    "option",
    "section",
    "summary",
    "tbody",
    "thead",
    "tr",
];

/// How deep a list is shown indented at most.
const DEEPEST: usize = 8;

/// The text of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// The text.
    pub(crate) text: String,
    /// Whether the page goes on: its text would be far larger than itself.
    pub(crate) cut: bool,
}

/// The text of a page at an address, against which its links are read.
pub(crate) fn text(html: &str, base: &WebUrl) -> Read {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut writer = Writer::new(base);
    // Links grow when they are read against the base, and no page needs to grow to many times itself.
    let most = html.len().saturating_mul(4).saturating_add(1 << 16);
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => writer.start(&tag),
            Token::EndTag(tag) => writer.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
        if writer.out.len() > most {
            return Read { text: writer.out, cut: true };
        }
    }
    writer.close_link();
    let text = writer.out.trim_end().to_owned();
    Read { text, cut: false }
}

/// What stands between what was written and what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Nothing,
    Space,
    Line,
    Apart,
}

struct Writer<'b> {
    base: &'b WebUrl,
    out: String,
    gap: Gap,
    /// A sign was written that what comes next belongs to: of a list, of a cell, of a heading.
    fresh: bool,
    /// The element that hides what is in it, and how many of its name are open.
    hidden: Option<(String, usize)>,
    /// Open lists: whether they are numbered, and their items so far.
    lists: Vec<(bool, usize)>,
    /// Where the text of the open link begins, and where the link leads.
    link: Option<(usize, String)>,
    verbatim: usize,
    /// Cells of the row so far, and where what is written of it begins.
    cells: usize,
    row: usize,
    /// Rows of the table so far.
    rows: usize,
}

impl<'b> Writer<'b> {
    fn new(base: &'b WebUrl) -> Self {
        Self {
            base,
            out: String::new(),
            gap: Gap::Nothing,
            fresh: false,
            hidden: None,
            lists: Vec::new(),
            link: None,
            verbatim: 0,
            cells: 0,
            row: 0,
            rows: 0,
        }
    }

    /// What comes next stands at least so far away.
    fn apart(&mut self, gap: Gap) {
        if !self.fresh {
            self.gap = self.gap.max(gap);
        }
    }

    /// Writes what stands between, and is ready for what comes next.
    fn close_gap(&mut self) {
        let lines = match self.gap {
            Gap::Nothing => return,
            Gap::Space => {
                if !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
                    self.out.push(' ');
                }
                self.gap = Gap::Nothing;
                return;
            }
            Gap::Line => 1,
            Gap::Apart => 2,
        };
        self.gap = Gap::Nothing;
        let kept = self.out.trim_end_matches([' ', '\n']).len();
        let there = self.out[kept..].matches('\n').count();
        self.out.truncate(kept);
        if kept > 0 {
            self.out.push_str(&"\n".repeat(lines.max(there.min(2))));
        }
    }

    /// Writes a sign that what comes next belongs to.
    fn sign(&mut self, sign: &str) {
        self.close_gap();
        self.out.push_str(sign);
        self.fresh = true;
    }

    fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        if self.verbatim > 0 {
            self.close_gap();
            // A line's end right behind the tag is none of the text's.
            let begins = self.out.is_empty() || self.out.ends_with("\n\n");
            self.out.push_str(if begins { text.strip_prefix('\n').unwrap_or(text) } else { text });
            self.fresh = false;
            return;
        }
        for character in text.chars() {
            if character.is_whitespace() && character != '\u{a0}' {
                if !self.fresh {
                    self.gap = self.gap.max(Gap::Space);
                }
                continue;
            }
            self.close_gap();
            self.fresh = false;
            self.out.push(if character == '\u{a0}' { ' ' } else { character });
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name);
        let name = &*name;
        if let Some((hiding, open)) = &mut self.hidden {
            *open += usize::from(hiding == name);
            return;
        }
        if HIDDEN.contains(&name) {
            if !tag.self_closing {
                self.hidden = Some((name.to_owned(), 1));
            }
            return;
        }
        self.separate(name);
        match name {
            "br" => {
                self.fresh = false;
                self.close_gap();
                self.out.push('\n');
            }
            "hr" => {
                self.sign("---");
                self.fresh = false;
                self.gap = Gap::Apart;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.fresh = false;
                self.apart(Gap::Apart);
                let depth = usize::from(name.as_bytes()[1] - b'0');
                self.sign(&format!("{} ", "#".repeat(depth)));
            }
            "ul" => self.lists.push((false, 0)),
            "ol" => self.lists.push((true, 0)),
            "li" => self.item(),
            "table" => self.rows = 0,
            "tr" => {
                self.rows += 1;
                (self.cells, self.row) = (0, self.out.len());
                if self.rows > 1 {
                    self.gap = Gap::Line;
                }
            }
            "td" | "th" => {
                if self.cells > 0 {
                    self.fresh = false;
                    // What is in a cell does not break its row, unless nothing of the row stands yet.
                    if self.out.len() > self.row {
                        self.gap = Gap::Space;
                    }
                    self.sign("| ");
                }
                self.cells += 1;
            }
            "pre" => {
                self.fresh = false;
                self.close_gap();
                self.verbatim += 1;
            }
            "a" => self.open_link(tag),
            "code" | "kbd" | "samp" if self.verbatim == 0 => self.tick(),
            "img" => {
                if let Some(text) = attribute(tag, "alt") {
                    self.text(&text);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((hiding, open)) = &mut self.hidden {
            *open -= usize::from(hiding == name);
            if *open == 0 {
                self.hidden = None;
            }
            return;
        }
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.fresh = false;
                self.apart(Gap::Apart);
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.fresh = false;
            }
            "pre" => {
                self.verbatim = self.verbatim.saturating_sub(1);
                self.fresh = false;
            }
            "td" | "th" => self.fresh = false,
            "a" => self.close_link(),
            "code" | "kbd" | "samp" if self.verbatim == 0 => self.tick(),
            _ => {}
        }
        self.separate(name);
    }

    /// The distance that an element keeps, at its begin and its end.
    fn separate(&mut self, name: &str) {
        // A list in an item is no paragraph of its own.
        if matches!(name, "ul" | "ol") && !self.lists.is_empty() {
            self.fresh = false;
            self.apart(Gap::Line);
        } else if APART.contains(&name) {
            self.apart(Gap::Apart);
        } else if LINES.contains(&name) {
            if matches!(name, "li" | "tr") {
                self.fresh = false;
            }
            self.apart(Gap::Line);
        }
    }

    fn item(&mut self) {
        let depth = self.lists.len().saturating_sub(1).min(DEEPEST);
        let (numbered, count) = match self.lists.last_mut() {
            Some((numbered, count)) => {
                *count += 1;
                (*numbered, *count)
            }
            None => (false, 2),
        };
        // Only the whole list stands apart, whatever its items are made of.
        self.gap = if depth > 0 || count > 1 { Gap::Line } else { self.gap.max(Gap::Line) };
        let mark = if numbered { format!("{count}. ") } else { "- ".to_owned() };
        self.sign(&format!("{}{mark}", "  ".repeat(depth)));
    }

    /// A sign of code, next to its text on both sides.
    fn tick(&mut self) {
        self.close_gap();
        self.out.push('`');
    }

    fn open_link(&mut self, tag: &StartTag<()>) {
        self.close_link();
        let Some(reference) = attribute(tag, "href") else { return };
        // A place on the same page leads nowhere else.
        if reference.starts_with('#') {
            return;
        }
        if let Ok(url) = self.base.join(&reference) {
            self.close_gap();
            self.link = Some((self.out.len(), url.to_string()));
        }
    }

    fn close_link(&mut self) {
        let Some((at, url)) = self.link.take() else { return };
        let Some(label) = self.out.get(at..) else { return };
        let (blank, label) = (label.len() - label.trim_start().len(), label.trim());
        if label.is_empty() || label == url {
            return;
        }
        if label.contains('\n') {
            self.out.push_str(&format!(" ({url})"));
        } else {
            self.out.insert(at + blank, '[');
            self.out.push_str(&format!("]({url})"));
        }
    }
}

/// An attribute's value, when it has one.
fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    let value = String::from_utf8_lossy(value).trim().to_owned();
    Some(value).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> WebUrl {
        "https://example.org/docs/a".parse().unwrap()
    }

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(text(html, &base()), Read { text: expected.to_owned(), cut: false }, "{html}");
    }

    #[test]
    fn a_page_reads_as_it_is_laid_out() {
        check(
            "<!doctype html><html><head><title>The &amp; page</title><style>p { x }</style>\n\
             <script>if (a < b) { '</p>' }</script></head>\n<body><h1> One </h1><p>First\n  words, <b>bold</b>.</p>\
             <div>line<br>next</div><hr><p>after</p></body></html>",
            "The & page\n\n# One\n\nFirst words, bold.\n\nline\nnext\n\n---\n\nafter",
        );
    }

    #[test]
    fn lists_and_tables_keep_their_form() {
        check(
            "<p>Before<ul><li><p>one</p><li><p>two</p><ul><li>inner</ul></li></ul><ol><li>a</li>\n<li>b</li></ol>after",
            "Before\n\n- one\n- two\n  - inner\n\n1. a\n2. b\n\nafter",
        );
        check(
            "<table><thead><tr><th>name<th>size</thead><tr><td>a</td> <td><p>1</p></td></tr><tr><td></td><td>2</table>",
            "name | size\na | 1\n| 2",
        );
    }

    #[test]
    fn links_lead_where_they_can_be_fetched() {
        check(
            "see <a href='../b?c=1'>the <i>other</i></a>.",
            "see [the other](https://example.org/b?c=1).",
        );
        check("<a href=https://a.org/>https://a.org/</a>", "https://a.org/");
        check(
            "<a href=#x>here</a> <a href='javascript:alert(1)'>click</a> <a href=//b.org>b",
            "here click [b](https://b.org/)",
        );
        check(
            "<a href=/x><div>card</div><div>words</div></a>",
            "card\nwords (https://example.org/x)",
        );
        check("<a href=/x><img src=y></a><img alt='a cat'>", "a cat");
        check(
            "<a href=/1>one<a href=/2>two</a>",
            "[one](https://example.org/1)[two](https://example.org/2)",
        );
    }

    #[test]
    fn code_stays_as_it_was_written() {
        check(
            "<p>Use <code>a  b</code>:</p><pre><code>fn x() {\n    y &lt; z\n}\n</code></pre><p>so",
            "Use `a b`:\n\nfn x() {\n    y < z\n}\n\nso",
        );
    }

    #[test]
    fn what_is_not_for_reading_is_not_read() {
        check(
            "a<svg><text>no</text><svg></svg></svg>b<template><p>no</template>c<!-- no -->d",
            "abcd",
        );
        check("a<script>never closed <p>b", "a");
        check("&#x48;&eacute;&nbsp;x &nothing &xy;", "Hé x ¬hing &xy;");
        check("", "");
    }

    #[test]
    fn a_page_does_not_grow_without_end() {
        let far: WebUrl = format!("https://example.org/{}/", "x".repeat(4_000)).parse().unwrap();
        let read = text(&"<a href=y>z</a>".repeat(10_000), &far);
        assert!(read.cut && read.text.len() < 1_000_000, "{}", read.text.len());
    }

    proptest! {
        #[test]
        fn anything_is_read(parts in proptest::collection::vec(prop_oneof![
            Just("<ul>"), Just("</ul>"), Just("<li>"), Just("<a href=x>"), Just("</a>"), Just("<pre>"), Just("</pre>"),
            Just("<td>"), Just("<h2>"), Just("</h2>"), Just("é\u{a0}"), Just("\n "), Just("<svg>"), Just("</svg>"), Just("<code>"), Just("<p"),
        ], 0..40)) {
            let read = text(&parts.concat(), &base());
            prop_assert!(!read.cut);
            prop_assert!(!read.text.contains("\n\n\n\n"), "{:?}", read.text);
        }
    }
}
