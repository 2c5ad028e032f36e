//! Every signature of every message of the corpus, by every verifier.

use edge_tests::corpus;
use edge_tests::judges::Judge;
use edge_tests::judges::known_faults::KNOWN_FAULTS;
use edge_tests::survey::survey;

#[tokio::test]
async fn every_judge_passes_every_signature_or_shows_a_known_fault() {
    let survey = survey(corpus::gather().path()).await;
    assert!(survey.judged.len() >= 500, "{}", survey.judged.len());
    assert!(survey.unexplained().is_empty(), "{survey}");
    for judged in &survey.judged {
        let agreeing = judged.passed.iter().filter(|passed| **passed == 8).count();
        assert!(agreeing >= 1, "nobody passes all of {}", judged.name);
    }
    // A fault that no message shows any more is no reason for anything.
    for fault in KNOWN_FAULTS {
        for judge in fault.judges {
            let shown = survey.judged.iter().any(|judged| {
                let mut disagreements = judged.disagreements.iter();
                disagreements.any(|(verdict, reason)| {
                    verdict.judge == *judge && *reason == Some(fault.reason)
                })
            });
            let here = Judge::here().contains(judge);
            assert!(shown || !here, "{judge}: {}", fault.reason);
        }
    }
}
