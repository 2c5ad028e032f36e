//! The edge's JSON log as it is written, with a way to wait for an event.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use crate::mock_mta::PATIENCE;

/// The lines of one run of the edge.
#[derive(Debug, Clone)]
pub struct Log {
    lines: Arc<watch::Sender<Lines>>,
}

#[derive(Debug, Default)]
struct Lines {
    events: Vec<Value>,
    ended: bool,
}

impl Log {
    /// Reads `source` to its end in a task of its own. A line that is not JSON is kept as `{"raw": …}`.
    pub fn follow(source: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let lines = Arc::new(watch::Sender::new(Lines::default()));
        let log = Self {
            lines: Arc::clone(&lines),
        };
        tokio::spawn(async move {
            let mut reader = BufReader::new(source).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                let event = serde_json::from_str(&line)
                    .unwrap_or_else(|_| serde_json::json!({ "raw": line }));
                lines.send_modify(|lines| lines.events.push(event));
            }
            lines.send_modify(|lines| lines.ended = true);
        });
        log
    }

    /// Every event so far.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.lines.borrow().events.clone()
    }

    /// The events so far with that message and these fields.
    #[must_use]
    pub fn matching(&self, message: &str, fields: &[(&str, &str)]) -> Vec<Value> {
        self.lines
            .borrow()
            .events
            .iter()
            .filter(|event| is(event, message, fields))
            .cloned()
            .collect()
    }

    /// Waits for the first event with that message and these fields.
    pub async fn event(&self, message: &str, fields: &[(&str, &str)]) -> Value {
        self.nth(1, message, fields).await
    }

    /// Waits for the `count`th event (the first is 1) with that message and these fields.
    ///
    /// # Panics
    /// When it does not come in time, or the process ends without it; the whole log is shown.
    pub async fn nth(&self, count: usize, message: &str, fields: &[(&str, &str)]) -> Value {
        let mut lines = self.lines.subscribe();
        let waited = tokio::time::timeout(
            PATIENCE,
            lines.wait_for(|lines| lines.ended || self_count(lines, message, fields) >= count),
        )
        .await;
        drop(waited);
        self.matching(message, fields)
            .into_iter()
            .nth(count - 1)
            .unwrap_or_else(|| {
                panic!(
                    "no event {count} of {message:?} with {fields:?} came; the log:\n{}",
                    self.text()
                )
            })
    }

    /// Waits for the `count`th line (the first is 1) that is no JSON and holds `part`, and gives it.
    ///
    /// # Panics
    /// When it does not come in time; the whole log is shown.
    pub async fn line(&self, count: usize, part: &str) -> String {
        let mut lines = self.lines.subscribe();
        let nth = |lines: &Lines| {
            let raw = lines.events.iter().map(|event| field(event, "raw"));
            raw.filter(|line| line.contains(part)).nth(count - 1)
        };
        let waited = tokio::time::timeout(
            PATIENCE,
            lines.wait_for(|lines| lines.ended || nth(lines).is_some()),
        )
        .await;
        drop(waited);
        let found = nth(&self.lines.borrow());
        found.unwrap_or_else(|| panic!("no line {count} with {part:?} came:\n{}", self.text()))
    }

    /// Waits until the process has closed its log.
    pub async fn ended(&self) {
        let mut lines = self.lines.subscribe();
        let waited = tokio::time::timeout(PATIENCE, lines.wait_for(|lines| lines.ended)).await;
        assert!(
            waited.is_ok(),
            "the process keeps running:\n{}",
            self.text()
        );
    }

    /// The log as text.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.lines.borrow();
        lines
            .events
            .iter()
            .map(|event| format!("{event}\n"))
            .collect()
    }
}

fn self_count(lines: &Lines, message: &str, fields: &[(&str, &str)]) -> usize {
    lines
        .events
        .iter()
        .filter(|event| is(event, message, fields))
        .count()
}

fn is(event: &Value, message: &str, fields: &[(&str, &str)]) -> bool {
    field(event, "message") == message
        && fields
            .iter()
            .all(|(name, value)| field(event, name) == *value)
}

/// A field as text; empty when it is not there.
#[must_use]
pub fn field(event: &Value, name: &str) -> String {
    match event.get(name) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
