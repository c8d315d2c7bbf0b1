//! Samples of the audit log that were marked as reviewed: the leaf, the row, and who may.

use crate::house::House;
use std::time::Duration;
use yingdun_access::{AuditReviewError, AuditSample, SampledRecord};
use yingdun_audit::Outcome;
use yingdun_model::Role;

crate::on_both_engines!(a_mark_is_a_leaf_and_a_row_of_who_may_read_the_log,);

const WORDS: &str = "each was read";

fn sample(seed: char) -> AuditSample {
    AuditSample {
        drawn: "all".into(),
        of: 9,
        seed: seed.to_string().repeat(32),
        filters: String::new(),
        records: vec![SampledRecord { index: 3, log: "renmin/audit".into() }],
    }
}

async fn a_mark_is_a_leaf_and_a_row_of_who_may_read_the_log(house: House) {
    let (access, officer) = (&house.access, &house.audit_officer);
    let review = access.review_audit_sample(officer, sample('a'), WORDS).await.unwrap();
    assert_eq!(review.content, Some((sample('a'), WORDS.to_owned())));
    let leaves = house.leaves();
    let [.., intent, done] = leaves.as_slice() else { panic!("two leaves") };
    assert_eq!((intent.outcome, done.outcome), (Outcome::Permitted, Outcome::Succeeded));
    for leaf in [intent, done] {
        assert_eq!(leaf.reason.as_str(), "audit-sample-reviewed");
        assert_eq!(leaf.counts.get("records"), Some(1));
        assert_eq!(leaf.counts.get("review"), Some(review.row.number));
        assert!(leaf.content_sha256.is_some() && leaf.detail_sha256.is_some());
        assert!(!serde_json::to_string(leaf).unwrap().contains(WORDS));
    }
    house.clock.advance(Duration::from_secs(1));
    let other = access.review_audit_sample(officer, sample('b'), WORDS).await.unwrap();
    let listed = async |digest| {
        let reviews = access.audit_reviews(officer, digest).await.unwrap();
        reviews.iter().map(|review| review.row.number).collect::<Vec<u64>>()
    };
    assert_eq!(listed(None).await, [other.row.number, review.row.number], "the newest first");
    assert_eq!(listed(Some(sample('a').digest())).await, [review.row.number]);
    assert!(listed(Some([0; 32])).await.is_empty());

    let chief = house.signed_in("chen", Role::Chief).await.session;
    for session in [&chief, &house.security_officer] {
        let refused = access.review_audit_sample(session, sample('c'), WORDS).await;
        assert!(matches!(refused, Err(AuditReviewError::Admin(_))));
        let leaf = house.leaves().pop().unwrap();
        assert_eq!(leaf.outcome, Outcome::Refused, "that somebody tried is written down");
        assert!(access.audit_reviews(session, None).await.is_err());
    }
    for words in ["", " ", &"x".repeat(501)] {
        let refused = access.review_audit_sample(officer, sample('c'), words).await;
        assert!(matches!(refused, Err(AuditReviewError::Words)));
    }
    assert_eq!(listed(None).await.len(), 2);
}
