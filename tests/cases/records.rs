//! A key record in each form that name servers take, read back by a parser that is not ours.

use std::process::Stdio;

use edge_tests::edge::Home;
use edge_tests::environment;
use edge_tests::mock_dns::{MockDns, Zone};
use edge_tests::setup::{Key, PRIMARY, Setup};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const OWNER: &str = "s1._domainkey.example.test";
const TTL: &str = "300";

/// Runs a program on `input` and gives what it printed.
async fn run(mut command: Command, input: &str) -> String {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: run `cargo xtask test`"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}\n{input}");
    String::from_utf8(output.stdout).unwrap()
}

async fn exported(form: &str, value: &str) -> String {
    let mut example = Command::new(environment::binary("examples/export_record"));
    example.args([form, OWNER, TTL, value]);
    run(example, "").await
}

/// dnspython's reading: the owner, and the strings joined.
async fn dnspython(kind: &str, text: &str) -> (String, String) {
    let mut python = Command::new(environment::judges().join("venv/bin/python"));
    python
        .arg("-I")
        .arg(environment::script("txt_record.py"))
        .arg(kind);
    let read: (String, Vec<String>) = serde_json::from_str(&run(python, text).await).unwrap();
    assert!(read.1.iter().all(|string| string.len() <= 255));
    (read.0, read.1.concat())
}

async fn check(value: &str) {
    let zone = dnspython("zone", &exported("bind", value).await).await;
    assert_eq!(zone, (format!("{OWNER}."), value.to_owned()));

    let commands = exported("nsupdate", value).await; // an empty line would send them
    let script = format!("zone example.test.\n{}\nshow\nquit\n", commands.trim_end());
    let shown = run(Command::new("nsupdate"), &script).await;
    let added = shown.lines().find_map(|line| {
        let (owner, rest) = line.split_once(char::is_whitespace)?;
        let (ttl, rest) = rest.trim_start().split_once("\tIN\tTXT\t")?;
        Some((owner, ttl.trim(), rest))
    });
    let (owner, ttl, rdata) = added.unwrap_or_else(|| panic!("{shown}"));
    assert_eq!((owner, ttl), (format!("{OWNER}.").as_str(), TTL));
    assert_eq!(dnspython("rdata", rdata).await.1, value);
    assert!(shown.contains("\tANY\tTXT"), "the old record goes: {shown}");

    let batch: Value = serde_json::from_str(&exported("route53", value).await).unwrap();
    let change = &batch["Changes"][0];
    assert_eq!(change["Action"], "UPSERT");
    let set = &change["ResourceRecordSet"];
    assert_eq!(set["Name"], format!("{OWNER}."));
    assert_eq!(
        (&set["Type"], set["TTL"].to_string()),
        (&"TXT".into(), TTL.to_owned())
    );
    let rdata = set["ResourceRecords"][0]["Value"].as_str().unwrap();
    assert_eq!(dnspython("rdata", rdata).await.1, value);

    let mut node = Command::new("node");
    node.arg(environment::script("tinydns.mjs"));
    let line = exported("tinydns", value).await;
    let read: (String, u32, String) = serde_json::from_str(&run(node, &line).await).unwrap();
    let expected = (format!("{OWNER}."), TTL.parse().unwrap(), value.to_owned());
    assert_eq!(read, expected);
}

#[tokio::test]
async fn every_form_reads_back_as_the_same_record() {
    let dns = MockDns::serve(Zone::new()).await.unwrap();
    let home = Home::prepare(Setup::default(), &dns).await;
    for algorithm in ["RSA 1024", "RSA 2048", "RSA 4096", "Ed25519"] {
        let key = Key {
            domain: PRIMARY.to_owned(),
            selector: algorithm.to_ascii_lowercase().replace(' ', ""),
            algorithm: algorithm.to_owned(),
        };
        check(&home.create_unpublished(&key).await).await;
    }
    check("v=DKIM1; k=rsa; p=;").await;
    check(r#"v=DKIM1; k=rsa; h=sha256; s=email; t=y:s; n=a "note": \with/marks; p=;"#).await;
}
