//! What the server would do with mail, and why: `keymgmt explain`'s question, answered from what is in force.
//!
//! The answer is router-config's; here are only the keys that it speaks of. One snapshot of policy and keys answers all of
//! a question, as one signs a message.

use router_config::{Answer, KeyHolder, Parameters, Question, QuestionError};

use crate::signing::in_force::InForce;

/// Answers what the query of a request asks.
///
/// # Errors
/// [`QuestionError`], which says what to ask instead.
pub fn answer(in_force: &InForce, parameters: &Parameters) -> Result<Answer, QuestionError> {
    let question = Question::read(parameters)?;
    let router = &in_force.router;
    let policy = router.signing_policy();
    let keys = question.keys(policy);
    let keys = keys.iter().map(|key| in_force.keyring.explained(key));
    let answer = Answer::about_mail(
        &question,
        policy,
        router.origins(),
        keys.collect(),
        KeyHolder::Keyring,
    );
    Ok(answer.with_routes(&question, router))
}
