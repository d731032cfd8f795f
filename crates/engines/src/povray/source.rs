//! What a scene file's text says without running it: files it names, features it uses.
//!
//! POV-Ray's language is a programming language, so this is a reading of its words, not of its meaning. It errs towards
//! caution; whether the scene parses at all is tried by POV-Ray itself, in the sandbox.

use std::collections::BTreeSet;

/// Words that are followed by a file's name, and what kind of file that is.
const FILE_WORDS: [(&str, &str); 18] = [
    ("include", "include"),
    ("png", "image"),
    ("jpeg", "image"),
    ("tiff", "image"),
    ("gif", "image"),
    ("tga", "image"),
    ("iff", "image"),
    ("ppm", "image"),
    ("pgm", "image"),
    ("pot", "image"),
    ("sys", "image"),
    ("bmp", "image"),
    ("hdr", "image"),
    ("exr", "image"),
    ("openexr", "image"),
    ("df3", "volume"),
    ("ttf", "font"),
    ("load_file", "cache"),
];

/// Endings by which a name in any other place is recognised as a file's.
const FILE_ENDINGS: [&str; 18] = [
    "inc", "pov", "mac", "png", "jpg", "jpeg", "tif", "tiff", "gif", "tga", "ppm", "pgm", "bmp", "hdr", "exr", "df3",
    "ttf", "map",
];

/// What one file's text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// Files named, in order, each once.
    pub(crate) files: Vec<NamedFile>,
    /// What `#version` says, if anything.
    pub(crate) version: Option<String>,
    /// Words of [`Feature`] that occur.
    pub(crate) features: BTreeSet<Feature>,
}

/// A file a scene names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// Whether the place it stands at always opens it; a name elsewhere may be for other use.
    pub(crate) certain: bool,
}

/// What makes a scene hard to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feature {
    /// Light from surfaces: sampled as the picture is traced, so it depends on what was traced before.
    Radiosity,
    /// Light through lenses: shot by several threads.
    Photons,
    /// The date as a number.
    WallClock,
    /// Files written by the scene, for later frames or for itself.
    WritesFiles,
}

/// Reads one file's text.
pub(crate) fn read(text: &str) -> Source {
    let mut source = Source::default();
    let mut before: [Token<'_>; 3] = [Token::Other; 3];
    for token in (Tokens { rest: text }) {
        match token {
            Token::Text(name) => source.note_text(name, &before),
            Token::Word("radiosity") => source.note(Feature::Radiosity),
            Token::Word("photons") => source.note(Feature::Photons),
            Token::Word("now") => source.note(Feature::WallClock),
            // `#fopen HANDLE "name" write`
            Token::Word("write" | "append") if before.contains(&Token::Word("fopen")) => {
                source.note(Feature::WritesFiles)
            }
            Token::Number(number) if before[0] == Token::Word("version") && source.version.is_none() => {
                source.version = Some(number.to_owned());
            }
            _ => {}
        }
        before = [token, before[0], before[1]];
    }
    source
}

impl Source {
    fn note(&mut self, feature: Feature) {
        self.features.insert(feature);
    }

    fn note_text(&mut self, name: &str, before: &[Token<'_>; 3]) {
        let opened = before.contains(&Token::Word("fopen"));
        let word = FILE_WORDS.iter().find(|(word, _)| before[0] == Token::Word(word));
        let ending = name
            .rsplit_once('.')
            .filter(|(stem, _)| !stem.is_empty())
            .map(|(_, ending)| ending.to_ascii_lowercase());
        let looks_like_one = ending.is_some_and(|ending| FILE_ENDINGS.contains(&ending.as_str()));
        let (kind, certain) = match word {
            Some((_, kind)) => (*kind, true),
            None if looks_like_one || opened => ("file", false),
            None => return,
        };
        let file = NamedFile {
            name: name.to_owned(),
            kind,
            certain,
        };
        if !name.is_empty()
            && !self
                .files
                .iter()
                .any(|known| known.name == file.name && known.certain >= certain)
        {
            self.files.push(file);
        }
    }
}

/// A word of POV-Ray's language, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Number(&'a str),
    Text(&'a str),
    Other,
}

/// Splits text into tokens, leaving out spaces and comments.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if self.rest.starts_with("/*") {
                self.rest = after_comment(self.rest);
            } else {
                break;
            }
        }
        let first = self.rest.chars().next()?;
        let (token, length) = match first {
            '"' => {
                let inside = &self.rest[1..];
                let end = text_end(inside);
                (Token::Text(&inside[..end]), (end + 2).min(self.rest.len()))
            }
            letter if letter.is_ascii_alphabetic() || letter == '_' => {
                let end = end_of(self.rest, |letter| letter.is_ascii_alphanumeric() || letter == '_');
                (Token::Word(&self.rest[..end]), end)
            }
            digit if digit.is_ascii_digit() || digit == '.' => {
                let end = end_of(self.rest, |letter| letter.is_ascii_digit() || letter == '.');
                (Token::Number(&self.rest[..end]), end)
            }
            other => (Token::Other, other.len_utf8()),
        };
        self.rest = &self.rest[length..];
        // The mark of a directive is no token: `#include` and `# include` are the same word.
        if first == '#' { self.next() } else { Some(token) }
    }
}

/// The text after a comment that may hold others.
fn after_comment(text: &str) -> &str {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return &text[at..];
        }
    }
    ""
}

/// Where a text ends: at a quote that no backslash stands before, or with the line.
fn text_end(inside: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in inside.char_indices() {
        if letter == '\n' || (letter == '"' && !escaped) {
            return at;
        }
        escaped = letter == '\\' && !escaped;
    }
    inside.len()
}

/// Where the run of letters that `belongs` ends.
fn end_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.char_indices()
        .find(|(_, letter)| !belongs(*letter))
        .map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_files_are_found_and_comments_are_not() {
        let source = read(
            r#"#version 3.7; // #include "no1.inc"
            /* #include "no2.inc" /* nested */ #include "no3.inc" */
            # include "a.inc" #include "a.inc"
            #declare Picture = "sky.PNG"; text { ttf "timrom.ttf" "he said \"x.png\"" 1, 0 }
            height_field { png concat("b", ".png") } image_map { jpeg "dir/c.jpg" }
            #debug "plain words""#,
        );
        let names: Vec<_> = source
            .files
            .iter()
            .map(|file| (file.name.as_str(), file.kind, file.certain))
            .collect();
        assert_eq!(
            names,
            [
                ("a.inc", "include", true),
                ("sky.PNG", "file", false),
                ("timrom.ttf", "font", true),
                ("dir/c.jpg", "image", true),
            ]
        );
        assert_eq!(source.version.as_deref(), Some("3.7"));
        assert!(source.features.is_empty());
    }

    #[test]
    fn features_are_found_outside_comments() {
        let features = |text| read(text).features.into_iter().collect::<Vec<_>>();
        assert_eq!(
            features("global_settings { radiosity { count 9 } photons { spacing 1 } }"),
            [Feature::Radiosity, Feature::Photons]
        );
        assert_eq!(features("// radiosity\n/* photons */ #declare my_radiosity = 1;"), []);
        assert_eq!(features("#declare r = seed(now);"), [Feature::WallClock]);
        assert_eq!(features("#fopen F \"state.txt\" append"), [Feature::WritesFiles]);
        assert_eq!(features("#fopen F \"state.txt\" read"), []);
    }

    #[test]
    fn unfinished_text_ends_the_reading() {
        for text in ["\"", "/*", "/* /* */", "#", "\"a\\", "//", "ä\"ä", "."] {
            let _ends = read(text);
        }
    }
}
