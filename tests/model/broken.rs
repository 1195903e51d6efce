//! Protocols with a mistake, made of the right one by changing its calls and their answers. The model must find each.

use store::log::{
    IndexItem,
    memory::Memory,
    port::{LogName, Put},
    protocol::{Answer, Call},
};

use crate::{calls::Pending, running::Running};

/// What is done otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Nothing.
    Faithful,
    /// The watermark is raised over a segment when it is committed, before the index has it.
    WatermarkFirst,
    /// A segment is put whether or not there is one already.
    UnconditionalPut,
    /// Only one's own segments are brought into the index, not those that a receipt speaks of.
    NoHelp,
    /// Nobody looks whether an event is in the log already, but for its tail.
    NoDuplicateCheck,
    /// Who has the turn looks up its own events, and believes the announced ones to be new.
    TrustingLeader,
    /// The receipt goes out before the index is written.
    EarlyReceipt,
}

impl Variant {
    /// What is asked instead.
    pub(crate) fn ask(self, running: &Running, calls: Vec<Call>) -> Vec<Call> {
        let Self::NoHelp = self else { return calls };
        let is_ours = |item: &IndexItem| {
            let opening = item.recorded().entry.opening;
            running.commits.iter().any(|segment| segment.entries.iter().any(|entry| entry.opening == opening))
        };
        calls
            .into_iter()
            .map(|call| match call {
                Call::Apply { items, taken } => {
                    Call::Apply { items: items.into_iter().filter(is_ours).collect(), taken }
                }
                call => call,
            })
            .collect()
    }

    /// Makes a call as a whole.
    pub(crate) fn make(self, memory: &mut Memory, log: &LogName, call: &Call) -> Answer {
        match (self, call) {
            (Self::UnconditionalPut, Call::Commit(segment)) => {
                if memory.commit(&log.tenant, segment) == Put::Taken {
                    let mut other = Memory::default();
                    for kept in memory.segments(&log.tenant).filter(|kept| kept.first != segment.first) {
                        other.commit(&log.tenant, kept);
                    }
                    other.commit(&log.tenant, segment);
                    memory.index().for_each(|(_, item)| other.write(&log.tenant, item));
                    let mark = memory.mark(&log.tenant);
                    other.raise(&log.tenant, mark.watermark);
                    other.pass_turn(&log.tenant, None, mark.turn);
                    for announcement in memory.announced(&log.tenant) {
                        other.announce(&log.tenant, &announcement);
                    }
                    *memory = other;
                }
                Answer::Commit(Ok(Put::Done))
            }
            (Self::WatermarkFirst, Call::Commit(segment)) => {
                let put = memory.commit(&log.tenant, segment);
                if put == Put::Done {
                    memory.raise(&log.tenant, segment.next());
                }
                Answer::Commit(Ok(put))
            }
            (Self::EarlyReceipt, Call::Apply { .. }) => Answer::Apply(Ok(())),
            _ => memory.answer(log, call),
        }
    }

    /// What is heard instead.
    pub(crate) fn hear(self, running: &Running, calls: &[Pending], log: &LogName, answer: Answer) -> Answer {
        match (self, answer) {
            (Self::NoDuplicateCheck, Answer::Lookup(Ok(mut found))) => {
                found.retain(|key, _| !running.wants(log, key));
                Answer::Lookup(Ok(found))
            }
            (Self::TrustingLeader, Answer::Lookup(Ok(mut found))) => {
                found.retain(|key, _| running.wants(log, key));
                Answer::Lookup(Ok(found))
            }
            // Whoever looks at the end of the log and at the inbox together has the turn, or is about to have it.
            (Self::TrustingLeader, Answer::Head(Ok(mut head)))
                if calls.iter().any(|pending| pending.call == Call::Announced) =>
            {
                head.tail.clear();
                head.mark.watermark = head.chain.sequence() + 1;
                Answer::Head(Ok(head))
            }
            (_, answer) => answer,
        }
    }
}
