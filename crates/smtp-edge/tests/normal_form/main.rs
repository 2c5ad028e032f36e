//! What a message becomes on its way in: golden files, and properties of generated messages. The judge of what a part means
//! is mail-parser, another library than the one that encodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there"
)]

mod generated;
mod golden;
mod leaves;
mod properties;

use smtp_edge::envelope::ReversePath;
use smtp_edge::intake::form::MessageSettings;
use smtp_edge::intake::normalize::{Malformed, Normalized, Rules, normalize};
use smtp_edge::smtp::data::DataNotes;

/// The message in normal form, as it would be taken from a client.
fn normalized(form: &MessageSettings, message: &[u8]) -> Result<Normalized, Malformed> {
    let rules = Rules {
        form,
        max_fields: 1000,
        sender: &ReversePath::Mailbox("rita@renovations.com".parse().unwrap()),
    };
    normalize(message.to_vec(), DataNotes::of(message), &rules)
}
