//! The running edge says what it would do: by what is in force in it, in the words in which `keymgmt` answers by the files.

use edge_tests::admin;
use edge_tests::messages;
use edge_tests::mock_mta::PATIENCE;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::{Stage, World};
use serde_json::{Value, json};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

/// The whole question, as options of `keymgmt explain`.
const QUESTION: [&str; 7] = [
    FROM,
    "--to",
    TO,
    "--to",
    "sam@sales.renovations.com",
    "--from-ip",
    "127.0.0.9",
];

fn setup(mode: &str) -> Setup {
    Setup::signing(mode, "s1").with("admin", "listen", "\"127.0.0.1:0\"")
}

/// What both say, by the files and by the running edge.
async fn both(world: &World, question: &[&str]) -> [String; 2] {
    let admin = admin::address(&world.edge).await.to_string();
    let by_files = [&["explain"], question].concat();
    let running = [&by_files[..], &["--running", "--admin", &admin]].concat();
    let keymgmt = world.home.keymgmt();
    [keymgmt.ok(&by_files).await, keymgmt.ok(&running).await]
}

/// The words of the one for the words of the other.
fn in_the_edges_words(by_files: &str) -> String {
    by_files
        .replace(
            "In the credential store:",
            "In the running server's keyring:",
        )
        .replace("\"keys_in\": \"store\"", "\"keys_in\": \"keyring\"")
}

#[tokio::test]
async fn it_answers_by_what_is_in_force_and_keymgmt_by_the_files() {
    let mut world = World::start(setup("2")).await;
    for json in [&[][..], &["--json"]] {
        let question = [&QUESTION[..], json].concat();
        let [files, running] = both(&world, &question).await;
        assert!(running.contains(KEY), "{running}");
        assert_eq!(running, in_the_edges_words(&files));
    }
    // Edited, and not yet in force.
    let [before, _] = both(&world, &QUESTION).await;
    world.home.change(|setup| {
        setup.notes = format!("# edited\nRouterDKIMSigning=1\nDKIM_KEY_{PRIMARY}=s2,s1\n");
        setup.set(
            "router",
            "next_hops",
            "{ \"partner.test\" = \"127.0.0.3:26\" }",
        );
    });
    let [edited, running] = both(&world, &QUESTION).await;
    assert_eq!(running, in_the_edges_words(&before));
    assert_ne!(edited, before);
    world.edge.reload().await;
    let [_, running] = both(&world, &QUESTION).await;
    for line in [
        "by /",
        "notes.ini:2",
        "s2._domainkey.renovations.com: missing",
        "To external recipients: signed by s1._domainkey.renovations.com alone: s2._domainkey.renovations.com is missing",
        "on failure: key_missing means send: RouterDKIMSigning (",
        "127.0.0.3:26: router.next_hops has partner.test (",
    ] {
        assert!(running.contains(line), "{line}: {running}");
    }
}

/// The answer to a query, as JSON.
async fn answer(world: &World, query: &str) -> Value {
    let address = admin::address(&world.edge).await;
    let answer = admin::get(address, &format!("/explain?format=json&{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    assert!(answer.header.contains("content-type: application/json"));
    serde_json::from_str(&answer.body).expect("JSON")
}

#[tokio::test]
async fn it_knows_its_own_keys() {
    let world = World::start(setup("2")).await;
    let query = format!("address={FROM}");
    let active = answer(&world, &query).await;
    let key = &active["keys"][0];
    assert_eq!(key["state"], "active");
    assert_eq!(active["fate"], "sign");
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["revoke", "DKIM", PRIMARY, "s1"]).await;
    world.edge.log.event("keyring_swapped", &[]).await;
    let revoked = answer(&world, &query).await;
    assert_eq!(revoked["keys"][0]["state"], "revoked");
    assert_eq!(revoked["keys"][0]["fingerprint"], key["fingerprint"]);
    assert_eq!(revoked["fate"], "report");
    assert_eq!(revoked["on_failure"]["class"], "key_revoked");
    assert_eq!(revoked["on_failure"]["setting"], "RouterDKIMSigning");
    // The store goes away; the edge still knows what it holds.
    world.home.take_away(edge_tests::edge::STORE_FILE);
    world.edge.log.event("store_away", &[]).await;
    let [files, running] = both(&world, &[FROM]).await;
    assert!(files.contains("out of reach"), "{files}");
    assert!(running.contains("revoked, ed25519, sha256:"), "{running}");
}

#[tokio::test]
async fn it_explains_messages_by_their_fields() {
    let world = World::start(setup("1")).await;
    let check = [
        (
            "from=%20Rita%20%3Crita%40renovations.com%3E",
            json!({"domain": PRIMARY, "field": "From"}),
            "sign",
        ),
        (
            "from=a%40b.example,rita%40renovations.com&sender=rita%40renovations.com",
            json!({"domain": PRIMARY, "field": "Sender"}),
            "sign",
        ),
        (
            "message",
            json!({"error": "the message has no From field: its sender's software must add one"}),
            "send_unsigned",
        ),
        (
            "from=x%40elsewhere.example",
            json!({"domain": "elsewhere.example", "field": "From"}),
            "leave_unsigned",
        ),
    ];
    for (query, identity, fate) in check {
        let found = answer(&world, query).await;
        assert_eq!(found["identity"], identity, "{found:#}");
        assert_eq!(found["fate"], fate, "{found:#}");
    }
    // The same by a file.
    let file = world.home.path().join("message.eml");
    std::fs::write(
        &file,
        messages::with_from("a@b.example, c@d.example", TO, "two authors\r\n"),
    )
    .unwrap();
    let [files, running] = both(&world, &["--message", file.to_str().unwrap()]).await;
    assert!(
        files.starts_with("The message cannot be signed: the From field holds 2 addresses"),
        "{files}"
    );
    assert_eq!(running, files);
}

#[tokio::test]
async fn it_knows_what_a_client_may_sign_for() {
    let rules = "[{ identities = [\"app1\"], domains = [\"app.example\"] }, { networks = [\"127.0.0.7\"], domains = [], otherwise = \"unsigned\" }]";
    let world = World::start(setup("2").with("router", "senders", rules)).await;
    for (client, expected) in [
        (
            &["--from-ip", "127.0.0.7"][..],
            "unsigned: router.senders[1] (",
        ),
        (
            &["--from-ip", "127.0.0.7", "--identity", "App1"],
            "refused at the end of its data",
        ),
        (&["--from-ip", "127.0.0.1"], "signed by s1._domainkey"),
        (&["--from-ip", "192.0.2.1"], "may not send through the edge"),
    ] {
        let question = [&[FROM], client].concat();
        let [files, running] = both(&world, &question).await;
        assert!(running.contains(expected), "{running}");
        assert_eq!(running, in_the_edges_words(&files));
        let [files, running] = both(&world, &[&question[..], &["--json"]].concat()).await;
        assert_eq!(running, in_the_edges_words(&files));
    }
}

#[tokio::test]
async fn a_socket_file_will_do_and_the_settings_name_it() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    let file = stage.home.path().join("admin.sock");
    stage.home.change(|setup| {
        setup.set("admin", "listen", &format!("\"unix:{}\"", file.display()));
    });
    let keymgmt = stage.home.keymgmt();
    let absent = keymgmt.run(&["explain", "--running", FROM]).await;
    assert_eq!(absent.status, Some(9), "{absent:#?}");
    assert!(
        absent.stderr.contains("check that smtp-edge runs"),
        "{absent:#?}"
    );
    let world = stage.start().await;
    let running = keymgmt.ok(&["explain", "--running", FROM]).await;
    assert!(running.contains(&format!("{KEY}: active")), "{running}");
    // What listens elsewhere is no admin listener.
    let smtp = world.edge.address().to_string();
    let foreign = keymgmt
        .run(&["explain", "--running", "--admin", &smtp, FROM])
        .await;
    assert_eq!(foreign.status, Some(9), "{foreign:#?}");
    world.edge.stop().await;
}

#[tokio::test]
async fn bad_questions_are_told_what_to_ask() {
    let world = World::start(setup("2")).await;
    let address = admin::address(&world.edge).await;
    for (query, expected) in [
        ("", "nothing is asked"),
        ("?", "nothing is asked"),
        ("?domain=a.example", "\"domain\" is no parameter"),
        ("?address=a..b", "is no domain"),
        ("?address=a.example&address=b.example", "twice"),
        ("?to=%00%0d%0aX:%20y", "is no domain"),
        ("?from_ip=localhost", "no IP address"),
        ("?address=a.example&format=xml", "text or json"),
    ] {
        let answer = admin::get(address, &format!("/explain{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert!(answer.body.contains(expected), "{query}: {}", answer.body);
        let control = |letter: char| letter.is_control() && letter != '\n';
        assert!(!answer.body.contains(control), "{query}: {:?}", answer.body);
    }
    // As long a question as fits, and one that does not.
    let recipients = |count: usize| "to=a.example&".repeat(count);
    let longest = tokio::time::timeout(PATIENCE, answer(&world, &recipients(1200))).await;
    assert_eq!(longest.unwrap()["to"].as_array().unwrap().len(), 1200);
    let answer = admin::get(address, &format!("/explain?{}", recipients(2000))).await;
    assert!([0, 414, 431].contains(&answer.status), "{}", answer.status);
    let recipients = vec!["x@a.example"; 2000];
    let mut words = vec![
        "explain".to_owned(),
        "--running".to_owned(),
        format!("--admin={address}"),
    ];
    words.extend(recipients.into_iter().map(|to| format!("--to={to}")));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = world.home.keymgmt().run(&words).await;
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("fewer recipients"), "{}", run.stderr);
}
