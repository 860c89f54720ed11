use super::past::{LAG, Seen};
use super::*;

fn event(at: i64, text: &str) -> Event {
    let source = Source {
        workload: "web".to_owned(),
        task: "web.01234567".to_owned(),
        group: "/rhumb/default/shop".to_owned(),
        stream: "web/web/0123456789".to_owned(),
    };
    Event { source, at, text: text.to_owned() }
}

#[tokio::test]
async fn lines_that_a_driver_joined_are_taken_apart() {
    let (sender, mut receiver) = mpsc::channel(8);
    assert!(event(1_700_000_000_123, "one\r\ntwo\n").send(&sender).await);
    let one = receiver.recv().await.unwrap();
    let two = receiver.recv().await.unwrap();
    assert_eq!((one.text.as_str(), two.text.as_str()), ("one", "two"));
    assert_eq!((one.task.as_str(), one.time.as_deref()), ("web.01234567", Some("2023-11-14T22:13:20.123Z")));
    drop(receiver);
    assert!(!event(1, "three").send(&sender).await);
}

#[test]
fn following_goes_on_where_the_past_ended() {
    let mut seen = Seen::default();
    seen.note(&event(50_000, "old"));
    seen.note(&event(100_000, "new"));
    let seen = seen.onward(100_000 - LAG);
    assert!(seen.knows(&event(100_000, "new")), "what was sent is not sent again");
    assert!(!seen.knows(&event(100_000, "another")));
    assert!(!seen.knows(&event(50_000, "old")), "what cannot come again is forgotten");
}
