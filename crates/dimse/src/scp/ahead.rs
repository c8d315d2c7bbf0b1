//! Objects that are to be sent, of which the next is opened while one is on its way: reading and unpacking run beside
//! ciphers and network, and no object waits for a disk at its turn.

use super::encoding;
use super::service::{Failure, FailureKind, Object, Outgoing, Source};
use std::collections::VecDeque;
use tokio::task::JoinHandle;
use yingdun_model::Uid;

/// Objects that are open ahead of the one being sent. Each holds what has been read of it, some megabytes at most.
const OPEN_AHEAD: usize = 1;

/// Objects in the order in which they are sent.
pub(super) struct Ahead {
    waiting: std::vec::IntoIter<Outgoing>,
    /// In which encodings the receiver wishes for them, best first.
    wished: Vec<Uid>,
    open: VecDeque<Turn>,
}

/// An object whose turn it is.
pub(super) struct Turn {
    /// What it is, in the encoding in which it is kept.
    pub(super) object: Object,
    /// How it is sent; `None` when the receiver takes it in no encoding in which it can be.
    pub(super) opening: Option<Opening>,
}

/// A data set that is being opened. Dropped, that ends.
pub(super) struct Opening {
    /// The encoding in which it is sent.
    pub(super) transfer_syntax: Uid,
    task: JoinHandle<Result<Source, Failure>>,
}

impl Ahead {
    pub(super) fn of(outgoing: Vec<Outgoing>, wished: &[Uid]) -> Self {
        Self { waiting: outgoing.into_iter(), wished: wished.to_vec(), open: VecDeque::new() }
    }

    /// The next object, while those behind it are opened in an encoding that the receiver accepts for their SOP class.
    pub(super) fn next(&mut self, accepts: impl Fn(&Uid, &Uid) -> bool) -> Option<Turn> {
        while self.open.len() <= OPEN_AHEAD
            && let Some(one) = self.waiting.next()
        {
            let syntax =
                encoding::chosen(&one, &self.wished, |syntax| accepts(&one.object.sop_class, syntax));
            let opening = syntax.map(|transfer_syntax| Opening {
                task: tokio::spawn((one.open)(transfer_syntax.clone())),
                transfer_syntax,
            });
            self.open.push_back(Turn { object: one.object, opening });
        }
        self.open.pop_front()
    }
}

impl Opening {
    /// Its bytes.
    pub(super) async fn source(mut self) -> Result<Source, Failure> {
        let opened = (&mut self.task).await;
        opened
            .unwrap_or_else(|_| Err(Failure::new(FailureKind::Processing, "the object could not be opened")))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::AsyncReadExt;
    use yingdun_dicom::transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN;

    const TAKEN: &str = "1.2.3";

    fn outgoing(class: &str, number: usize, opened: &Arc<AtomicUsize>) -> Outgoing {
        let opened = Arc::clone(opened);
        let uid = |text: &str| Uid::new(text).unwrap();
        Outgoing {
            object: Object {
                sop_class: uid(class),
                sop_instance: uid(&format!("2.25.{number}")),
                transfer_syntax: uid(EXPLICIT_VR_LITTLE_ENDIAN),
            },
            also: Vec::new(),
            open: Box::new(move |_| {
                Box::pin(async move {
                    opened.fetch_add(1, Ordering::SeqCst);
                    Ok(Box::pin(std::io::Cursor::new(number.to_string().into_bytes())) as Source)
                })
            }),
        }
    }

    #[tokio::test]
    async fn objects_keep_their_order_and_only_the_next_ones_are_opened() {
        let opened = Arc::new(AtomicUsize::new(0));
        let mut ahead = Ahead::of((0..10).map(|number| outgoing(TAKEN, number, &opened)).collect(), &[]);
        for number in 0..10 {
            let turn = ahead.next(|class, _| class.as_str() == TAKEN).unwrap();
            assert_eq!(turn.object.sop_instance.as_str(), format!("2.25.{number}"));
            let mut text = String::new();
            turn.opening.unwrap().source().await.unwrap().read_to_string(&mut text).await.unwrap();
            assert_eq!(text, number.to_string());
            assert!(opened.load(Ordering::SeqCst) <= number + 1 + OPEN_AHEAD);
        }
        assert!(ahead.next(|_, _| true).is_none());
    }

    #[tokio::test]
    async fn what_the_receiver_does_not_take_is_not_opened() {
        let opened = Arc::new(AtomicUsize::new(0));
        let mut ahead = Ahead::of(vec![outgoing("1.2.4", 0, &opened), outgoing(TAKEN, 1, &opened)], &[]);
        let first = ahead.next(|class, _| class.as_str() == TAKEN).unwrap();
        assert!(first.opening.is_none());
        assert!(ahead.next(|class, _| class.as_str() == TAKEN).unwrap().opening.is_some());
        tokio::task::yield_now().await;
        assert!(opened.load(Ordering::SeqCst) <= 1);
    }
}
