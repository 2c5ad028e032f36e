//! How a binary writes its log: text or JSON, on standard error.
//!
//! The fields of an event are interfaces and belong to the binaries; here is only the form of a line.

use std::fmt;
use std::io::IsTerminal as _;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// `[log]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// How much is written.
    pub level: LogLevel,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line, with the event's fields beside `timestamp`, `level` and `message`.
    Json,
}

/// How much is written: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), and after it, with commas, levels
/// for single modules: `info,smtp_edge=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl FromStr for LogLevel {
    type Err = LogLevelError;

    fn from_str(text: &str) -> Result<Self, LogLevelError> {
        for directive in text.split(',') {
            let (target, level) = directive.split_once('=').unwrap_or(("any", directive));
            // tracing would take an unknown level for a module's name, and the log would fall silent.
            let is_target = !target.is_empty()
                && target
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b));
            if !is_target || !LEVELS.contains(&level) {
                return Err(LogLevelError);
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for LogLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LogLevelVisitor)
    }
}

/// Starts the log of this process, on standard error.
///
/// # Errors
///
/// [`LoggingError::Started`] when the process has a log already.
pub fn init(settings: &LogSettings) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(settings.level.as_str()).map_err(|_| LoggingError::Level {
        level: settings.level.clone(),
    })?;
    subscriber(
        settings.format,
        filter,
        Colours::of_stderr(),
        std::io::stderr,
    )
    .try_init()
    .map_err(|_| LoggingError::Started)
}

/// What writes the lines.
fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    colours: Colours,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let line = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(line.with_ansi(colours == Colours::On).finish()),
        LogFormat::Json => Box::new(
            line.json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .finish(),
        ),
    }
}

/// Whether lines of text have colours: on a terminal, never in a file or a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    On,
    Off,
}

impl Colours {
    fn of_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::On
        } else {
            Self::Off
        }
    }
}

/// A text is not a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a level: write off, error, warn, info, debug or trace, then levels of modules as in info,smtp_edge=debug"
)]
pub struct LogLevelError;

/// The log could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The process has a log already.
    #[error("this process has started its log before: start it once, at the head of main")]
    Started,
    /// The level is none that the log understands.
    #[error("the log does not understand the level {level}: write one such as info")]
    Level {
        /// The level.
        level: LogLevel,
    },
}

struct LogLevelVisitor;

impl Visitor<'_> for LogLevelVisitor {
    type Value = LogLevel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "off, error, warn, info, debug or trace, or with modules: \"info,smtp_edge=debug\"",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LogLevel, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(text.parse::<LogLevel>().is_ok(), expected, "{text:?}");
        if expected {
            assert!(EnvFilter::try_new(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn levels_are_known_words() {
        check("info", true);
        check("off", true);
        check("warn,smtp_edge=debug", true);
        check("info,smtp_edge::deliver=trace,hickory_proto=off", true);
        check("inof", false);
        check("", false);
        check("info,", false);
        check("info,smtp_edge", false);
        check("info,=debug", false);
        check("info,[span]=debug", false);
    }

    /// The lines of an event that carries a newline, as an attacker would have it.
    fn lines(format: LogFormat, level: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let filter = EnvFilter::try_new(level).unwrap();
        let log = subscriber(format, filter, Colours::Off, file.reopen().unwrap());
        tracing::subscriber::with_default(log, || {
            tracing::info!(queue_id = "q1", reply = "a\nlevel=ERROR", "accepted");
            tracing::debug!("unseen");
        });
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn an_event_is_one_line_with_its_fields() {
        let json = lines(LogFormat::Json, "info");
        for part in [
            "{\"timestamp\":\"",
            "\"level\":\"INFO\"",
            "\"message\":\"accepted\"",
            "\"queue_id\":\"q1\"",
            "\"reply\":\"a\\nlevel=ERROR\"",
        ] {
            assert!(json.contains(part), "{part} {json}");
        }
        assert_eq!(json.lines().count(), 1, "{json}");

        let text = lines(LogFormat::Text, "info");
        assert!(
            text.contains("accepted queue_id=\"q1\" reply=\"a\\nlevel=ERROR\""),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(lines(LogFormat::Json, "warn"), "");
    }
}
