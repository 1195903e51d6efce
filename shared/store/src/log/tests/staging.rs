//! Commits that are too large for an item.

use std::sync::Arc;

use super::{
    super::{Draft, Log, Submission, memory::MemoryTables, segment::Segment},
    acme, checked, submission,
};
use crate::Clock;

/// Text that does not compress.
fn noise(bytes: usize) -> String {
    let mut noise = vec![0; bytes / 2];
    getrandom::fill(&mut noise).unwrap();
    noise.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn large(id: &str) -> Submission {
    let mut large = submission(id);
    large.event.payload.insert("blob".to_owned(), noise(200_000).into());
    large
}

#[tokio::test]
async fn a_large_commit_is_staged_and_read_back() {
    let tables = MemoryTables::default();
    let log = Log::over(Arc::new(tables.clone()), Clock::System);
    log.append(&acme(), vec![submission("a")]).await.unwrap();
    log.append(&acme(), (0..20).map(|i| large(&format!("b{i}"))).collect()).await.unwrap();
    log.append(&acme(), vec![submission("c")]).await.unwrap();
    let memory = tables.memory();
    let staged: Vec<_> = memory.segments(&acme()).map(|segment| segment.is_staged()).collect();
    assert_eq!(staged, [false, true, false], "four megabytes are one commit");
    assert_eq!(checked(&log, &acme()).await.len(), 22);
    assert_eq!(log.segment_of(&acme(), 5).await.unwrap().unwrap().first, 2);
}

#[tokio::test]
async fn objects_of_lost_races_are_swept_and_no_others() {
    let tables = MemoryTables::default();
    let log = Log::over(Arc::new(tables.clone()), Clock::System);
    log.append(&acme(), vec![large("a")]).await.unwrap();
    let name = log.name(&acme());
    let stage = async |id: &str, commit: u8| {
        let head = log.tables.head(&name).await.unwrap();
        let draft = Draft::new(large(id), ledger::Secret::new([commit; 32])).unwrap();
        let segment = Segment::seal(&head.chain, log.clock.now(), [commit; 16], &[Arc::new(draft)]).into_staged();
        log.tables.stage(&name, Arc::new(segment)).await.unwrap();
    };
    stage("lost", 1).await;
    stage("lost", 2).await;
    log.append(&acme(), vec![large("b")]).await.unwrap();
    stage("late", 3).await;
    assert_eq!(tables.memory().objects(&acme(), 0).count(), 5);

    assert_eq!(log.sweep().await.unwrap(), 2);
    let left: Vec<_> = tables.memory().objects(&acme(), 0).map(|(first, _)| first).collect();
    assert_eq!(left, [1, 2, 3], "the last may still be committed");
    assert_eq!(log.sweep().await.unwrap(), 0);
    log.append(&acme(), vec![submission("c")]).await.unwrap();
    assert_eq!(log.sweep().await.unwrap(), 1);
    assert_eq!(checked(&log, &acme()).await, ["a", "b", "c"]);
}
