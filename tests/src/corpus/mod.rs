//! Messages that part verifiers: each shape of body and of header that is known to have broken one, and real messages
//! that ship with other programs.

mod bodies;
mod generated;
mod headers;

use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::environment;

/// A message, and the name of its file.
type Named = (String, Vec<u8>);

/// The whole corpus in a folder of its own.
///
/// # Panics
/// When the real messages are not installed, or the folder cannot be written.
#[must_use]
pub fn gather() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    symlink(
        environment::judges().join("corpus"),
        folder.path().join("real"),
    )
    .expect("a fresh folder");
    let written = folder.path().join("written");
    std::fs::create_dir(&written).expect("a fresh folder");
    write(&written);
    folder
}

fn write(folder: &Path) {
    let messages: Vec<Named> = [
        under(PLAIN, "body", bodies::bodies()),
        under(PLAIN, "edge", bodies::at_block_edges()),
        over("header", headers::headers()),
        crossed(),
        structures(),
        generated::messages(200),
    ]
    .concat();
    for (name, message) in &messages {
        let file = folder.join(format!("{name}.eml"));
        assert!(!file.exists(), "two messages are called {name}");
        std::fs::write(file, message).expect("the folder can be written");
    }
}

const PLAIN: &str = "From: Rita <rita@renovations.com>\r\nTo: client@partner.test\r\nSubject: The kitchen\r\n\
                     Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <kitchen@renovations.com>\r\n";

/// Each body under one header.
fn under(header: &str, kind: &str, bodies: Vec<Named>) -> Vec<Named> {
    let message = |(name, body): Named| {
        let message = [header.as_bytes(), b"\r\n", &body].concat();
        (format!("{kind}-{name}"), message)
    };
    bodies.into_iter().map(message).collect()
}

/// Each header over one body.
fn over(kind: &str, headers: Vec<Named>) -> Vec<Named> {
    let message = |(name, header): Named| {
        let message = [&header[..], b"\r\nA body.\r\n"].concat();
        (format!("{kind}-{name}"), message)
    };
    headers.into_iter().map(message).collect()
}

/// Some odd headers with some odd bodies.
fn crossed() -> Vec<Named> {
    let short = |(_, content): &Named| content.len() < 2000;
    let bodies: Vec<Named> = bodies::bodies()
        .into_iter()
        .filter(short)
        .step_by(3)
        .collect();
    let headers: Vec<Named> = headers::headers()
        .into_iter()
        .filter(short)
        .step_by(5)
        .collect();
    let mut messages = Vec::new();
    for (header_name, header) in &headers {
        for (body_name, body) in &bodies {
            let message = [header, &b"\r\n"[..], body].concat();
            messages.push((format!("both-{header_name}-{body_name}"), message));
        }
    }
    messages
}

/// Multiparts in multiparts, and messages in them.
fn structures() -> Vec<Named> {
    let mut messages = Vec::new();
    for depth in [1, 2, 3, 5, 10, 20] {
        let mut body = "Content-Type: text/plain\r\n\r\nThe innermost part. \r\n".to_owned();
        for level in 0..depth {
            body = format!(
                "Content-Type: multipart/mixed;\r\n boundary=\"level {level}\"\r\n\r\nA preamble.\r\n\r\n--level {level}\r\n{body}\r\n\
                 --level {level}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                 QUJD\r\n--level {level}--\r\nAn epilogue.  \r\n\r\n"
            );
        }
        messages.push((
            format!("multipart-{depth}"),
            format!("{PLAIN}MIME-Version: 1.0\r\n{body}").into_bytes(),
        ));
    }
    let attached = format!("{PLAIN}Content-Type: text/plain\r\n\r\nIn an attached message.\r\n");
    let forwarded = format!(
        "{PLAIN}MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n{attached}\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\n{attached}\r\n--b--"
    );
    messages.push(("multipart-digest".to_owned(), forwarded.into_bytes()));
    messages
}
