//! Signs every message of a folder in every way there is, for other verifiers to judge.
//!
//! `sign_folder <domain> <seconds since 1970> <folder of messages> <empty folder>`
//!
//! Each message gets a signature for each algorithm and each pair of canonicalizations, all made in one pass. The second
//! folder then holds the signed messages, and `records`: a line `<owner> TXT <value>` for each key. A line is printed
//! for each message: `signed <name>`, or `refused <name> <why>`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use dkim_core::{Canonicalization, SignatureParams, SigningKey, crlf, sign};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [domain, seconds, messages, signed] = arguments.as_slice() else {
        return Err(
            "usage: sign_folder <domain> <seconds since 1970> <folder of messages> <empty folder>"
                .into(),
        );
    };
    let (messages, signed) = (Path::new(messages), Path::new(signed));
    let signatures = signatures(domain, seconds.parse()?)?;
    fs::write(signed.join("records"), records(&signatures))?;
    let mut files = Vec::new();
    collect(messages, &mut files)?;
    for file in files {
        let name = file.strip_prefix(messages)?.to_string_lossy().into_owned();
        let message = fs::read(&file)?;
        let message = crlf(&message);
        match sign(&message, &signatures) {
            Ok(headers) => {
                let mut text: Vec<u8> =
                    headers.into_iter().flat_map(|header| header.text).collect();
                text.extend_from_slice(&message);
                if !text.ends_with(b"\r\n") {
                    text.extend_from_slice(b"\r\n"); // as mail carries it
                }
                fs::write(signed.join(name.replace('/', "_")), text)?;
                println!("signed {name}");
            }
            Err(error) => println!("refused {name} {}", chain(&error)),
        }
    }
    Ok(())
}

/// Parameters and key of each signature; the selector says how it signs.
fn signatures(
    domain: &str,
    now: u64,
) -> Result<Vec<(SignatureParams, SigningKey)>, Box<dyn Error>> {
    use Canonicalization::{Relaxed, Simple};
    let mut signatures = Vec::new();
    for (algorithm, key) in [
        ("rsa", SigningKey::generate_rsa(2048)?),
        ("ed25519", SigningKey::generate_ed25519()?),
    ] {
        for (header, body) in [
            (Relaxed, Relaxed),
            (Relaxed, Simple),
            (Simple, Relaxed),
            (Simple, Simple),
        ] {
            let selector = format!("{algorithm}-{header}-{body}");
            let params = SignatureParams::new(domain.parse()?, selector.parse()?)
                .canonicalization(header, body)
                .timestamp(now);
            signatures.push((params, key.clone()));
        }
    }
    Ok(signatures)
}

fn records(signatures: &[(SignatureParams, SigningKey)]) -> String {
    let mut records = String::new();
    for (params, key) in signatures {
        let _ = writeln!(records, "{} TXT {}", params.key_name(), key.record());
    }
    records
}

/// The files below a folder, sorted.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else {
            files.push(entry);
        }
    }
    Ok(())
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
