//! Several threads work on numbered pieces; the results come in the order of the numbers.

use std::{
    ops::Range,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

/// How many results of a thread wait for those of the others: enough to keep it busy, and all that is kept in memory.
const WAITING: usize = 2;

/// Calls `work` for each number in `pieces`, on `threads` threads, and `take` with each result in order, on this one.
/// Ends with the first error of `take`, and then works on nothing more than what has begun.
pub(super) fn in_order<T: Send, E>(
    pieces: Range<u64>,
    threads: usize,
    work: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.max(1);
    thread::scope(|scope| {
        // Thread number t has the pieces t, t + threads, …: so each has a channel of its own, and the order needs no
        // more than to ask them in turn.
        let results: Vec<Receiver<T>> = (0..threads)
            .map(|thread| {
                let (sender, receiver) = sync_channel(WAITING);
                let (own, work) = (pieces.clone().skip(thread).step_by(threads), &work);
                scope.spawn(move || {
                    for piece in own {
                        if sender.send(work(piece)).is_err() {
                            return; // nobody wants to know any more
                        }
                    }
                });
                receiver
            })
            .collect();
        for (piece, receiver) in pieces.clone().zip(results.iter().cycle()) {
            // A channel ends early only when its thread has panicked, which the scope passes on.
            let Ok(result) = receiver.recv() else { break };
            take(piece, result)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::Duration,
    };

    use super::*;

    #[test]
    fn results_come_in_order_however_long_each_takes() {
        for threads in [1, 3, 8] {
            let mut seen = Vec::new();
            let work = |piece: u64| {
                thread::sleep(Duration::from_micros((piece * 37) % 500));
                piece * 2
            };
            let done: Result<(), ()> = in_order(5..40, threads, work, |piece, result| {
                seen.push((piece, result));
                Ok(())
            });
            assert_eq!(done, Ok(()));
            assert_eq!(seen, (5..40).map(|piece| (piece, piece * 2)).collect::<Vec<_>>());
        }
        let none: Result<(), ()> = in_order(0..0, 4, |piece| piece, |_, _| Err(()));
        assert_eq!(none, Ok(()));
    }

    #[test]
    fn an_error_ends_the_work() {
        let begun = AtomicU64::new(0);
        let done = in_order(
            0..1_000_000,
            2,
            |piece| begun.fetch_add(1, Ordering::Relaxed).max(piece),
            |piece, _| if piece == 10 { Err(piece) } else { Ok(()) },
        );
        assert_eq!(done, Err(10));
        assert!(begun.into_inner() < 100, "only what was under way was worked on");
    }
}
