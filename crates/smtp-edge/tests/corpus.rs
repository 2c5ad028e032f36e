//! Runs the committed corpora of the fuzz targets through the targets' checks, as they are and as chance changes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic here is a failed test"
)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

mod checks;

/// The check of each target, and its committed inputs by name.
static CORPORA: LazyLock<Vec<(checks::Check, Vec<Input>)>> = LazyLock::new(|| {
    let targets = checks::ALL.into_iter();
    targets.map(|(name, check)| (check, corpus(name))).collect()
});

type Input = (String, Vec<u8>);

fn corpus(target: &str) -> Vec<Input> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut inputs: Vec<Input> = fs::read_dir(corpora.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{target} has a corpus");
    inputs
}

#[test]
fn every_committed_input_holds() {
    for (check, inputs) in CORPORA.iter() {
        for (name, input) in inputs {
            println!("{name}");
            check(input);
        }
    }
}

/// Some octets at some place give way to others.
#[derive(Debug)]
struct Change {
    at: Index,
    removed: usize,
    put: Vec<u8>,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (any::<Index>(), 0_usize..4, vec(any::<u8>(), 0..4));
    let change = change.prop_map(|(at, removed, put)| Change { at, removed, put });
    vec(change, 0..6)
}

proptest! {
    #[test]
    fn inputs_that_chance_has_changed_hold(chosen in any::<[Index; 2]>(), cut in any::<Index>(), changes in changes()) {
        for (check, inputs) in CORPORA.iter() {
            let [first, second] = chosen.map(|index| &index.get(inputs).1);
            let cut = cut.index(first.len() + 1);
            let mut input = [first.get(..cut).unwrap(), second.get(cut..).unwrap_or_default()].concat();
            for change in &changes {
                let at = change.at.index(input.len() + 1);
                let end = input.len().min(at + change.removed);
                input.splice(at..end, change.put.iter().copied());
            }
            check(&input);
        }
    }
}
