//! Servers that answer slowly, wrongly or not at all: nothing is made twice, and what may pass is said to.

use rhumb_backend::{Action, ErrorKind, Retry};
use rhumb_doubles::marathon::{Fault, FaultRule};

use crate::lab::{app, failed, lab, step};

#[tokio::test]
async fn what_may_pass_is_tried_again_and_makes_nothing_twice() {
    for fault in [Fault::Status(429), Fault::Status(500), Fault::Status(503), Fault::Reset, Fault::LostAnswer]
    {
        let lab = lab();
        lab.survey().await;
        lab.double.fail(FaultRule::on("POST", "/v2/apps", fault).times(1));
        let want = app("web", "nginx:1", 1);
        let create = step(Action::Create, &want, None);
        let error = failed(lab.apply(&create).await);
        assert_eq!(error.retry, Retry::Same, "{fault:?}: {error}");
        let receipt = lab.apply(&create).await.unwrap();
        lab.ready(&receipt).await;
        assert_eq!(lab.double.state()["specs"].as_array().map(Vec::len), Some(1), "{fault:?}");
    }
}

#[tokio::test]
async fn an_update_whose_answer_got_lost_is_found_done() {
    let lab = lab();
    let (first, second) = (app("web", "nginx:1", 1), app("web", "nginx:2", 1));
    lab.ready(&lab.create(&first).await).await;
    let update = lab.update_step(&first, &second).await;
    lab.double.fail(FaultRule::on("PUT", "/v2/apps", Fault::LostAnswer).times(1));
    assert_eq!(failed(lab.apply(&update).await).retry, Retry::Same);
    let error = failed(lab.apply(&update).await);
    assert_eq!(
        (error.kind, error.retry),
        (ErrorKind::Conflict, Retry::AfterRead),
        "a fresh look finds it done"
    );
    lab.is_as_wanted(&second).await;
    let live = lab.live(&second).await;
    lab.ready(&lab.apply(&step(Action::Await, &second, live.as_ref())).await.unwrap()).await;
}

#[tokio::test]
async fn a_removal_whose_answer_got_lost_is_done() {
    let lab = lab();
    let want = app("web", "nginx:1", 1);
    lab.ready(&lab.create(&want).await).await;
    let live = lab.live(&want).await.unwrap();
    let delete = step(Action::Delete, &want, Some(&live));
    lab.double.fail(FaultRule::on("DELETE", "/v2/apps", Fault::LostAnswer).times(1));
    assert!(lab.apply(&delete).await.is_err());
    lab.apply(&delete).await.unwrap();
    assert!(lab.live(&want).await.is_none());
}
