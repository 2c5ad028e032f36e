//! One line of a notes.ini: its bytes, and the setting in it if there is one.

/// One line with its ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    raw: Vec<u8>,
    setting: Option<(String, String)>,
}

/// Why a line of ours cannot be taken.
#[derive(Debug)]
pub(super) enum LineFault {
    NotUtf8 { name: String },
    NoValue { name: String },
}

impl Line {
    pub(super) fn parse(raw: &[u8]) -> Result<Self, LineFault> {
        let raw = raw.to_vec();
        let text = decode(content(&raw));
        let text = text.trim();
        if text.is_empty() || text.starts_with([';', '#', '[']) {
            return Ok(Self { raw, setting: None });
        }
        let Some((name, value)) = text.split_once('=') else {
            let name = text.split_whitespace().next().unwrap_or(text);
            if is_ours(name) {
                return Err(LineFault::NoValue {
                    name: name.to_owned(),
                });
            }
            return Ok(Self { raw, setting: None });
        };
        let name = name.trim_end();
        if name.is_empty() {
            return Ok(Self { raw, setting: None });
        }
        if is_ours(name) && std::str::from_utf8(content(&raw)).is_err() {
            return Err(LineFault::NotUtf8 {
                name: name.to_owned(),
            });
        }
        let setting = Some((name.to_owned(), value.trim_start().to_owned()));
        Ok(Self { raw, setting })
    }

    /// The line `name=value`, or nothing where it would be read back as another setting.
    pub(super) fn setting(name: &str, value: &str) -> Option<Self> {
        let line = Self::parse(format!("{name}={value}\n").as_bytes()).ok()?;
        let is_one_line = !name.contains(['\n', '\r']) && !value.contains(['\n', '\r']);
        (is_one_line && line.name() == Some(name) && line.value() == Some(value)).then_some(line)
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.setting.as_ref().map(|(name, _)| name.as_str())
    }

    pub(super) fn value(&self) -> Option<&str> {
        self.setting.as_ref().map(|(_, value)| value.as_str())
    }

    /// This line, ended as `other` is: a file keeps its CRLF, and a last line without an ending stays so.
    pub(super) fn with_ending_of(mut self, other: &Line) -> Self {
        let ending = other
            .raw
            .get(content(&other.raw).len()..)
            .unwrap_or_default();
        self.raw.truncate(content(&self.raw).len());
        self.raw.extend_from_slice(ending);
        self
    }

    /// Ends the line, where the file stopped without doing so.
    pub(super) fn end(&mut self) {
        if !self.raw.ends_with(b"\n") {
            self.raw.push(b'\n');
        }
    }
}

/// The text of some bytes: UTF-8, or else Latin-1, which every line can be read as.
pub(super) fn decode(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => raw.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A line without its ending.
fn content(raw: &[u8]) -> &[u8] {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a setting is one that we read. Such a line must be whole; all others are Domino's.
fn is_ours(name: &str) -> bool {
    let prefix = name.get(..KEY_PREFIX.len()).unwrap_or_default();
    prefix.eq_ignore_ascii_case(KEY_PREFIX) || name.eq_ignore_ascii_case(MODE)
}

const KEY_PREFIX: &str = "DKIM_KEY_";
const MODE: &str = "RouterDKIMSigning";
