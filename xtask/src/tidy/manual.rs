//! `docs/manual.md` names every key of the settings and every event of the mail log, as the code declares them.

use super::{Finding, Tree};

const PAGE: &str = "docs/manual.md";
const MAIL_LOG: &str = "crates/smtp-edge/src/mail_log.rs";

/// The structs whose public fields are keys, and the prefix of those keys in the settings file.
const SECTIONS: [(&str, &str); 13] = [
    ("Settings", ""),
    ("CredstoreSettings", "credstore."),
    ("RouterSettings", "router."),
    ("SigningSettings", "signing."),
    ("ListenSettings", "listen."),
    ("TlsSettings", "tls."),
    ("SmtpSettings", "smtp."),
    ("MessageSettings", "message."),
    ("DnsSettings", "dns."),
    ("SpoolSettings", "spool."),
    ("DeliverySettings", "delivery."),
    ("AdminSettings", "admin."),
    ("LogSettings", "log."),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(manual) = tree.text(PAGE) else {
        return vec![Finding::new(PAGE, 0, "is missing")];
    };
    let mut findings = Vec::new();
    let sources = [
        "crates/smtp-edge/src/",
        "crates/router-config/src/",
        "crates/common-config/src/",
    ];
    for (section, prefix) in SECTIONS {
        let declared = tree
            .rust()
            .filter(|(path, _)| sources.iter().any(|folder| path.starts_with(folder)))
            .find_map(|(path, text)| Some((path, fields(text, section)?)));
        let Some((path, fields)) = declared else {
            findings.push(Finding::new(
                "crates",
                0,
                format!("the settings struct {section} is gone: mend xtask/src/tidy/manual.rs"),
            ));
            continue;
        };
        // A field of the whole file that is a section of its own is named by its keys.
        let keys = fields.into_iter().filter(|(_, key)| {
            !(prefix.is_empty()
                && SECTIONS
                    .iter()
                    .any(|(_, other)| other.trim_end_matches('.') == *key))
        });
        for (line, key) in keys {
            if !manual.contains(&format!("`{prefix}{key}`")) {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("`{prefix}{key}` has no row in {PAGE}"),
                ));
            }
        }
    }
    for (line, event) in tree.text(MAIL_LOG).map(events).unwrap_or_default() {
        if !manual.contains(&format!("`{event}`")) {
            findings.push(Finding::new(
                MAIL_LOG,
                line,
                format!("the event `{event}` has no row in {PAGE}"),
            ));
        }
    }
    findings
}

/// The public fields of a struct, with their lines.
fn fields<'a>(text: &'a str, name: &str) -> Option<Vec<(usize, &'a str)>> {
    let opening = format!("pub struct {name} {{");
    let mut lines = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| *line != opening);
    lines.next()?;
    let field = |(index, line): (usize, &'a str)| {
        let (field, _) = line.strip_prefix("    pub ")?.split_once(':')?;
        Some((index + 1, field))
    };
    Some(
        lines
            .take_while(|(_, line)| *line != "}")
            .filter_map(field)
            .collect(),
    )
}

/// The functions of the mail log, each an event.
fn events(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| {
            Some((index + 1, line.strip_prefix("pub fn ")?.split_once('(')?.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::testing;

    #[test]
    fn finds_keys_and_events_without_a_row() {
        let settings =
            "pub struct Settings {\n    pub data_dir: PathBuf,\n    pub dns: DnsSettings,\n}\n";
        let sections: String = [
            "Credstore",
            "Router",
            "Signing",
            "Listen",
            "Tls",
            "Smtp",
            "Message",
            "Spool",
            "Delivery",
            "Admin",
            "Log",
        ]
        .map(|name| format!("pub struct {name}Settings {{\n}}\n"))
        .concat();
        let dns = "pub struct DnsSettings {\n    /// Whom to ask.\n    pub servers: Vec<SocketAddr>,\n    pub spare: u8,\n}\n";
        let config = format!("{settings}{sections}{dns}");
        let files = [
            ("crates/smtp-edge/src/config.rs", config.as_str()),
            (
                "crates/smtp-edge/src/mail_log.rs",
                "pub fn accepted(\npub fn lost(id: u8) {\nfn own() {}\n",
            ),
            ("docs/manual.md", "`data_dir` `dns.servers` `accepted`"),
        ];
        testing::check(
            check,
            &files,
            &[
                "crates/smtp-edge/src/config.rs:30",
                "crates/smtp-edge/src/mail_log.rs:2",
            ],
        );
        testing::check(check, &files[..2], &["docs/manual.md:0"]);
    }
}
