//! What is asked of a message's form, and what is done about one that falls short: the section `[message]`.
//!
//! Only decisions are here; [`super::normalize`] carries them out, and `super::trace` adds Date and Message-ID.

use serde::Deserialize;

/// `[message]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessageSettings {
    /// Bare CR and bare LF (RFC 5321 §2.3.8 forbids both).
    pub bare_line_ends: BareLineEnds,
    /// Text of octets over 127, which a hop without 8BITMIME would convert (RFC 6376 §5.3).
    pub eight_bit: EightBit,
    /// Lines over 998 octets (RFC 5322 §2.1.1), which a hop may break.
    pub long_lines: LongLines,
    /// A message without Date.
    pub missing_date: Missing,
    /// A message without Message-ID.
    pub missing_message_id: Missing,
    /// A message without From. What is added is the envelope's sender.
    pub missing_from: Missing,
    /// A message with several From fields.
    pub second_from: SecondFrom,
    /// Other fields that RFC 5322 §3.6 and RFC 2045 §3 allow once, and that stand there more often.
    pub duplicate_fields: DuplicateFields,
}

impl Default for MessageSettings {
    fn default() -> Self {
        Self {
            bare_line_ends: BareLineEnds::Mend,
            eight_bit: EightBit::Reencode,
            long_lines: LongLines::Mend,
            missing_date: Missing::Add,
            missing_message_id: Missing::Add,
            missing_from: Missing::Pass,
            second_from: SecondFrom::Refuse,
            duplicate_fields: DuplicateFields::DropIdentical,
        }
    }
}

impl MessageSettings {
    /// What holds for the reports that we write: a report that is refused would never be sent.
    #[must_use]
    pub fn for_reports(&self) -> Self {
        Self {
            bare_line_ends: BareLineEnds::Mend,
            long_lines: LongLines::MendOrPass,
            missing_date: Missing::Add,
            missing_message_id: Missing::Add,
            missing_from: Missing::Pass,
            second_from: SecondFrom::Pass,
            duplicate_fields: DuplicateFields::Pass,
            ..self.clone()
        }
    }
}

/// What is done about bare CR and bare LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BareLineEnds {
    /// LF becomes CRLF, and CR a space.
    Mend,
    /// The message is refused.
    Refuse,
}

/// What is done about 8-bit text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EightBit {
    /// It is re-encoded wherever that is safe.
    Reencode,
    /// It goes as it is.
    Pass,
}

/// What is done about lines over 998 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongLines {
    /// They are folded or re-encoded; a message where that is not safe is refused.
    Mend,
    /// They are folded or re-encoded, and go as they are where that is not safe.
    MendOrPass,
    /// They go as they are.
    Pass,
}

/// What is done about a field that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is added.
    Add,
    /// The message goes without.
    Pass,
    /// The message is refused.
    Refuse,
}

/// What is done about a second From.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFrom {
    /// The message is refused.
    Refuse,
    /// The message goes the way of mail that cannot be signed.
    Pass,
}

/// What is done about other fields that stand there more often than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateFields {
    /// Of fields that say the same, octet for octet, the first stays; different ones go as they are.
    DropIdentical,
    /// They go as they are.
    Pass,
    /// The message is refused.
    Refuse,
}
