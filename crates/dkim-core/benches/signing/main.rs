//! The cost of a signature beside what it cannot be below: SHA-256 of the same octets, and the private-key operation.
//!
//! `cargo xtask bench dkim` runs it. It prints a table of medians, and then one line for each bound that the crate has set
//! itself, held or FAILED; it ends with status 1 when one fails.
//!
//! The loop is our own, since the bounds are ratios: criterion and divan finish one function before they begin the next, and
//! a machine that slows down in between moves the ratio. Here the two sides take turns (`rounds`).

mod contenders;
mod messages;
mod rounds;

use std::process::ExitCode;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::Ed25519KeyPair;
use dkim_core::Canonicalization::{Relaxed, Simple};
use dkim_core::{HeaderBlock, SignatureParams, Signer, SigningKey};
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};

use contenders::NoKey;
use messages::Body;
use rounds::{Fault, Times, measure};

fn main() -> ExitCode {
    match run() {
        Ok(bounds) if bounds.iter().all(Bound::holds) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Vec<Bound>, Fault> {
    // First, since the peak of the process's memory never falls.
    let mut bounds: Vec<Bound> = memory()?.into_iter().collect();
    bounds.extend(without_keys()?);
    bounds.extend(with_keys()?);
    bounds.push(one_pass()?);
    println!();
    for bound in &bounds {
        let verdict = if bound.holds() { "held  " } else { "FAILED" };
        println!("{verdict} {:.3} of 1  {}", bound.ratio, bound.text);
    }
    Ok(bounds)
}

/// Something measured, divided by the most that it may be.
struct Bound {
    text: String,
    ratio: f64,
}

impl Bound {
    fn new(text: impl Into<String>, ratio: f64) -> Bound {
        let text = text.into();
        Bound { text, ratio }
    }

    fn holds(&self) -> bool {
        self.ratio <= 1.0
    }
}

/// Everything but the private-key operation: bodies of each kind and size.
fn without_keys() -> Result<Vec<Bound>, Fault> {
    println!(
        "Without the private-key operation, µs a message (relaxed/relaxed unless said otherwise):"
    );
    println!(
        "{:>9} {:8}{:>10}{:>10}{:>10}{:>12}{:>14}{:>10}",
        "octets", "body", "ours", "SHA-256", "mail-auth", "ours/SHA", "ours/mail-auth", "simple"
    );
    let keys = [contenders::no_key()?];
    let mut bounds = Vec::new();
    for size in SIZES {
        for body in [Body::Prose, Body::Base64, Body::Flowed, Body::Dirty] {
            let message = body.message(size);
            let [ours, sha256, mail_auth, simple] = measure(
                TIME_PER_MESSAGE,
                [
                    contenders::ours(&message, Relaxed, &keys)?,
                    contenders::sha256(&message),
                    contenders::mail_auth(&message, NoKey)?,
                    contenders::ours(&message, Simple, &keys)?,
                ],
            )?;
            println!(
                "{size:9} {:8}{}{}{}{:12.2}{:14.2}{}",
                body.name(),
                micros(&ours),
                micros(&sha256),
                micros(&mail_auth),
                ours.ratio(&sha256, |sha256| sha256),
                ours.ratio(&mail_auth, |mail_auth| mail_auth),
                micros(&simple),
            );
            if matches!(body, Body::Prose | Body::Base64) {
                bounds.extend(bounds_without_keys(size, body, &ours, &sha256, &mail_auth));
            }
        }
    }
    Ok(bounds)
}

fn bounds_without_keys(
    size: usize,
    body: Body,
    ours: &Times,
    sha256: &Times,
    mail_auth: &Times,
) -> Vec<Bound> {
    let name = body.name();
    match size {
        FOUR_KB => vec![
            Bound::new(
                format!("4 KB {name}: no more than 1.5 times SHA-256 plus 2 µs"),
                ours.ratio(sha256, |sha256| 1.5 * sha256 + 2_000.0),
            ),
            Bound::new(
                format!("4 KB {name}: less than mail-auth"),
                ours.ratio(mail_auth, |mail_auth| mail_auth),
            ),
        ],
        ONE_MB => vec![Bound::new(
            format!("1 MB {name}: no more than 1.25 times SHA-256"),
            ours.ratio(sha256, |sha256| 1.25 * sha256),
        )],
        _ => Vec::new(),
    }
}

/// Real keys: the whole signature beside the raw operation.
fn with_keys() -> Result<Vec<Bound>, Fault> {
    println!("\nWith keys, 4 KB of prose, µs a message:");
    println!(
        "{:18}{:>10}{:>10}{:>10}{:>12}",
        "", "ours", "raw", "mail-auth", "ours/raw"
    );
    let message = Body::Prose.message(FOUR_KB);
    let (rsa, ed25519) = (
        RsaKeyPair::generate(KeySize::Rsa2048)?,
        Ed25519KeyPair::generate()?,
    );
    let rsa_der: Pkcs8V1Der<'_> = rsa.as_der()?;
    let ed25519_der: Pkcs8V1Der<'_> = ed25519.as_der()?;
    let keys = [
        SigningKey::from_pkcs8_der(rsa_der.as_ref())?,
        SigningKey::from_pkcs8_der(ed25519_der.as_ref())?,
    ];
    let (our_rsa, our_ed25519) = keys.split_at(1);
    let ours = |keys| contenders::ours(&message, Relaxed, keys);

    #[expect(deprecated, reason = "the other way in wants a type of rustls")]
    let their_rsa = RsaKey::<Sha256>::from_pkcs8_der(rsa_der.as_ref())?;
    let [own, raw, theirs] = measure(
        TIME_FOR_RSA,
        [
            ours(our_rsa)?,
            contenders::raw_rsa(&rsa),
            contenders::mail_auth(&message, their_rsa)?,
        ],
    )?;
    println!("{}", key_row("RSA-2048", &own, &raw, Some(&theirs)));
    let bound = Bound::new(
        "4 KB RSA-2048: within 3 % of the raw operation",
        own.ratio(&raw, |raw| 1.03 * raw),
    );

    let their_ed25519 = Ed25519Key::from_pkcs8_maybe_unchecked_der(ed25519_der.as_ref())?;
    let [own, raw, theirs] = measure(
        TIME_PER_MESSAGE,
        [
            ours(our_ed25519)?,
            contenders::raw_ed25519(&ed25519),
            contenders::mail_auth(&message, their_ed25519)?,
        ],
    )?;
    println!("{}", key_row("Ed25519", &own, &raw, Some(&theirs)));

    let (mut raw_rsa, mut raw_ed25519) =
        (contenders::raw_rsa(&rsa), contenders::raw_ed25519(&ed25519));
    let [own, raw] = measure(
        TIME_FOR_RSA,
        [
            ours(&keys)?,
            Box::new(move || Ok(raw_rsa()? + raw_ed25519()?)),
        ],
    )?;
    println!("{}", key_row("RSA and Ed25519", &own, &raw, None));
    Ok(vec![bound])
}

/// Two signatures of one canonicalization are one pass over the body: at 1 MB a second pass would double the time.
fn one_pass() -> Result<Bound, Fault> {
    let message = Body::Prose.message(ONE_MB);
    let keys = [contenders::no_key()?, contenders::no_key()?];
    let (one, _) = keys.split_at(1);
    let [two, one] = measure(
        TIME_PER_MESSAGE,
        [
            contenders::ours(&message, Relaxed, &keys)?,
            contenders::ours(&message, Relaxed, one)?,
        ],
    )?;
    let passes = two.ratio(&one, |one| one);
    println!("\nTwo signatures of 1 MB take {passes:.2} times the time of one.");
    Ok(Bound::new(
        "1 MB, two signatures: one pass over the body (no more than 1.1 times the time of one signature)",
        passes / 1.1,
    ))
}

/// How much the peak of memory grows while a long body passes; nothing where the system does not say.
fn memory() -> Result<Option<Bound>, Fault> {
    let message = Body::Dirty.message(ONE_MB);
    let (header, body) = HeaderBlock::parse(&message)?;
    let body = message.get(body..).unwrap_or_default();
    let params = SignatureParams::new("example.com".parse()?, "s2026".parse()?);
    let mut signer = Signer::new(&header, vec![(params, contenders::no_key()?)])?;
    signer.update(body)?;
    let Some(before) = peak_of_memory() else {
        return Ok(None);
    };
    for chunk in std::iter::repeat_n(body, 64).flat_map(|body| body.chunks(16 * 1024)) {
        signer.update(chunk)?;
    }
    signer.finish()?;
    let grown = peak_of_memory().map_or(f64::NAN, |after| after - before);
    println!("Memory: 64 MB through one signer raised the peak of the process by {grown} KiB.\n");
    Ok(Some(Bound::new(
        "memory: 64 MB through one signer raise the peak by no more than 512 KiB",
        grown / 512.0,
    )))
}

/// In KiB, as Linux tells it: it counts in steps of some hundred KiB.
fn peak_of_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn key_row(name: &str, own: &Times, raw: &Times, theirs: Option<&Times>) -> String {
    let theirs = theirs.map_or_else(|| format!("{:>10}", "-"), micros);
    let ratio = own.ratio(raw, |raw| raw);
    format!(
        "{name:18}{}{}{theirs}{ratio:12.3}",
        micros(own),
        micros(raw)
    )
}

fn micros(times: &Times) -> String {
    format!("{:10.2}", times.median() / 1_000.0)
}

const FOUR_KB: usize = 4 * 1024;
const ONE_MB: usize = 1024 * 1024;
const SIZES: [usize; 4] = [1024, FOUR_KB, 50 * 1024, ONE_MB];
const TIME_PER_MESSAGE: Duration = Duration::from_millis(1_500);
const TIME_FOR_RSA: Duration = Duration::from_secs(4);
