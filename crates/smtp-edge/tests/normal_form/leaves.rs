//! What the parts of a message mean, as mail-parser reads them.

use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};

/// The type and the decoded content of each leaf, in their order; those of a message within the message, too.
pub(crate) fn leaves(message: &[u8]) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    if let Some(message) = MessageParser::default().parse(message) {
        collect(&message, &mut leaves);
    }
    leaves
}

fn collect(message: &Message<'_>, leaves: &mut Vec<(String, String)>) {
    for part in &message.parts {
        let kind = part.content_type().map(|kind| {
            let subtype = kind.subtype().unwrap_or_default();
            format!("{}/{subtype}", kind.ctype())
        });
        match &part.body {
            PartType::Multipart(_) => {}
            PartType::Message(inner) => collect(inner, leaves),
            PartType::Text(_)
            | PartType::Html(_)
            | PartType::Binary(_)
            | PartType::InlineBinary(_) => {
                let kind = kind.unwrap_or_else(|| "text/plain".to_owned());
                leaves.push((kind, part.contents().escape_ascii().to_string()));
            }
        }
    }
}
