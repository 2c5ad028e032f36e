//! The demonstration that newcomers run first.

use edge_tests::environment;
use tokio::process::Command;

#[tokio::test]
async fn it_ends_with_every_judge_passing_every_signature() {
    let output = Command::new(environment::binary("demo")).output().await;
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complaint}");
    let last = "Every judge passes every signature of every message.";
    assert_eq!(printed.lines().last(), Some(last));
}
