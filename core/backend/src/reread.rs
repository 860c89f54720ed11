//! Reads that one hiccup of a platform must not spoil.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Result;

/// Pauses between attempts: a question is asked at most once more than there are pauses.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900)];
/// A question that took so long is not asked again here.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks a platform a question that changes nothing, and asks again when the answer is one that passes.
///
/// A look at a platform is made of many calls, and would hardly ever succeed as a whole where each of them may fail.
/// Changes are never repeated so: whether one was carried out must be found out first.
///
/// # Errors
/// The last answer.
pub async fn reread<T, F: Future<Output = Result<T>>>(question: impl Fn() -> F) -> Result<T> {
    let begun = Instant::now();
    for pause in PAUSES {
        match question().await {
            Err(error) if error.may_pass() && begun.elapsed() + pause < PATIENCE => {
                sleep(pause).await;
            }
            answer => return answer,
        }
    }
    question().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{Error, ErrorKind};

    async fn asked(failing: usize, kind: ErrorKind, takes: Duration) -> (usize, bool) {
        let count = AtomicUsize::new(0);
        let answer = reread(|| async {
            sleep(takes).await;
            let nth = count.fetch_add(1, Ordering::SeqCst);
            if nth < failing { Err(Error::new(kind, "list", "no")) } else { Ok(nth) }
        })
        .await;
        (count.into_inner(), answer.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_asked_again_and_nothing_else() {
        let soon = Duration::from_millis(1);
        assert_eq!(asked(0, ErrorKind::Unreachable, soon).await, (1, true));
        assert_eq!(asked(3, ErrorKind::RateLimited, soon).await, (4, true));
        assert_eq!(asked(9, ErrorKind::Unreachable, soon).await, (4, false));
        assert_eq!(asked(1, ErrorKind::Forbidden, soon).await, (1, false));
        assert_eq!(asked(9, ErrorKind::Timeout, Duration::from_mins(1)).await, (1, false));
    }
}
