//! Private keys leave no copy in memory: the process searches itself. Alone in its file, so that it is alone in its process.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there"
)]

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::UNIX_EPOCH;

use common_config::name::KeyName;
use credstore::{CredStore, KeyAlgorithm, NekDir, NewKey, SeenVersions};
use dkim_core::SigningKey;
use smtp_edge::signing::keyring::{KeySource, Keyring};
use zeroize::Zeroizing;

#[tokio::test]
async fn private_keys_are_wiped_with_the_keyring() {
    let folder = tempfile::tempdir().unwrap();
    let neks = NekDir::new(folder.path().join("nek"));
    let nek = neks.create(&"mail".parse().unwrap()).unwrap();
    let path = folder.path().join("credstore.db");
    let store = CredStore::create(&path, &nek).await.unwrap();
    let name: KeyName = "s1._domainkey.renovations.com".parse().unwrap();
    let mut masked = [0; 32];
    aws_lc_rs::rand::fill(&mut masked).unwrap();
    store.insert(key(&name, &masked), UNIX_EPOCH).await.unwrap();
    assert_eq!(copies(&masked), 0, "before");

    let source = KeySource {
        store: path,
        neks,
        rsa_minimum_bits: 1024,
    };
    let names = [name.clone()].into();
    let keyring = Keyring::load(&source, &names, &SeenVersions::default()).await;
    keyring.key(&name).unwrap();
    assert_ne!(copies(&masked), 0, "a key that is there is found");
    drop(keyring);
    assert_eq!(copies(&masked), 0, "after");
}

/// The Ed25519 key of the seed under the mask; the seed itself is wiped when this returns.
fn key(name: &KeyName, masked: &[u8; 32]) -> NewKey {
    let mut seed = Zeroizing::new([0; 32]);
    for (octet, masked) in seed.iter_mut().zip(masked) {
        *octet = masked ^ MASK;
    }
    let key = SigningKey::from_ed25519_seed(&seed).unwrap();
    NewKey {
        name: name.clone(),
        algorithm: KeyAlgorithm::Ed25519,
        pkcs8: key.to_pkcs8_der().unwrap().into(),
        record: key.record().to_value(),
    }
}

/// How often the octets that are `masked` stand in the memory of this process.
fn copies(masked: &[u8]) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    // Memory of no file that can be written, heaps and the stacks of threads: `from-to rw-p offset device 0`, with or without
    // `[heap]` behind it.
    for line in maps.lines() {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let anonymous = matches!(parts.as_slice(), [_, "rw-p", _, _, "0"] | [.., "[heap]"]);
        let (from, to) = parts[0].split_once('-').unwrap();
        let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).unwrap());
        if !anonymous || to - from > 256 << 20 {
            continue;
        }
        let mut octets = Zeroizing::new(vec![0; usize::try_from(to - from).unwrap()]);
        memory.seek(SeekFrom::Start(from)).unwrap();
        if memory.read_exact(&mut octets).is_err() {
            continue; // unmapped in the meantime
        }
        let first = masked[0] ^ MASK;
        let starts = octets.windows(masked.len());
        found += starts
            .filter(|window| {
                window[0] == first
                    && window
                        .iter()
                        .zip(masked)
                        .all(|(octet, masked)| octet ^ MASK == *masked)
            })
            .count();
    }
    found
}

/// What is looked for is kept under a mask, so that the search does not find itself.
const MASK: u8 = 0x5A;
