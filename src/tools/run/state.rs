//! The state of a guest, and what follows from it. Proxmox reports a VM's QEMU state in `/cluster/resources`, so a
//! paused VM is neither `running` nor `stopped` there.

use crate::{
    pve::Params,
    tools::run::{context::Context, guest::Guest},
};
use serde_json::Value;

/// The state of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Running.
    Running,
    /// Off; also a hibernated VM.
    Stopped,
    /// A VM whose CPUs were halted.
    Paused,
    /// A VM whose operating system has suspended to RAM.
    Suspended,
    /// A VM that was created but has not started yet.
    Prelaunch,
    /// A VM that QEMU halted because its disk could not be read or written.
    IoError,
    /// Unknown: the guest is new, or its node does not answer.
    Unknown,
    /// Another state of QEMU, such as `internal-error` or `guest-panicked`.
    Other(String),
}

/// Proxmox's words for the common states.
pub const COMMON: &[&str] =
    &["running", "stopped", "paused", "suspended", "prelaunch", "io-error", "unknown"];

const WORDS: [(&str, State); 7] = [
    ("running", State::Running),
    ("stopped", State::Stopped),
    ("paused", State::Paused),
    ("suspended", State::Suspended),
    ("prelaunch", State::Prelaunch),
    ("io-error", State::IoError),
    ("unknown", State::Unknown),
];

/// States of QEMU in which a VM does nothing until somebody intervenes.
const FAILED: [&str; 3] = ["internal-error", "guest-panicked", "watchdog"];

impl State {
    /// Returns the state for Proxmox's word; `Unknown` for an empty one.
    #[must_use]
    pub fn of(word: &str) -> State {
        if word.is_empty() {
            return State::Unknown;
        }
        let known = WORDS.iter().find(|(known, _)| *known == word);
        known.map_or_else(|| State::Other(word.to_owned()), |(_, state)| state.clone())
    }

    /// Returns the state in a `status/current` answer: QEMU's own state, if there is one.
    #[must_use]
    pub fn of_status(status: &Value) -> State {
        let word = |name: &str| status.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
        match (word("status"), word("qmpstatus")) {
            (Some("running") | None, Some(qemu)) => State::of(qemu),
            (status, _) => State::of(status.unwrap_or_default()),
        }
    }

    /// Returns Proxmox's word for it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            State::Other(word) => word,
            state => WORDS.iter().find(|(_, known)| known == state).map_or("unknown", |(word, _)| word),
        }
    }

    /// Returns whether the guest has a process on its node; `None` if that is not known.
    #[must_use]
    pub fn has_process(&self) -> Option<bool> {
        match self {
            State::Stopped => Some(false),
            State::Unknown => None,
            _ => Some(true),
        }
    }

    /// Returns whether the programs in the guest run, so that its agent and network can answer.
    #[must_use]
    pub fn answers(&self) -> bool {
        *self == State::Running
    }

    /// Returns whether some changes take effect only after the guest is restarted.
    #[must_use]
    pub fn changes_wait(&self) -> bool {
        self.has_process() != Some(false)
    }

    /// Returns whether it matches a filter such as `running` or `stopped`; `running` matches every guest that has a
    /// process.
    #[must_use]
    pub fn fits(&self, wanted: &State) -> bool {
        self == wanted || *wanted == State::Running && self.has_process() == Some(true)
    }

    /// Returns why a VM in this state needs attention, as the end of a sentence; `None` if it does not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match self {
            State::IoError => Some(
                "was halted by an I/O error (io-error): its storage is full or does not answer; \
                 resume it once that is fixed"
                    .to_owned(),
            ),
            State::Other(word) if FAILED.contains(&word.as_str()) => {
                Some(format!("is in state {word} and does nothing until it is reset"))
            }
            _ => None,
        }
    }
}

impl Guest {
    /// Returns the guest's state in `/cluster/resources`.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(&self.status)
    }

    /// Like [`Guest::state`], but a guest whose state the inventory does not know is asked itself.
    #[must_use]
    pub fn state_now(&self, context: &Context<'_>) -> State {
        match self.state() {
            State::Unknown => {
                let path = self.path().map(|path| format!("{path}/status/current"));
                let reply = path.and_then(|path| context.get(&path, &Params::new()));
                reply.map_or(State::Unknown, |reply| State::of_status(&reply.value()))
            }
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_common_states_are_known() {
        assert_eq!(WORDS.map(|(word, _)| word), COMMON);
    }

    #[test]
    fn every_state_answers_the_questions() {
        for (word, process, answers, running) in [
            ("running", Some(true), true, true),
            ("stopped", Some(false), false, false),
            ("paused", Some(true), false, true),
            ("suspended", Some(true), false, true),
            ("prelaunch", Some(true), false, true),
            ("io-error", Some(true), false, true),
            ("unknown", None, false, false),
            ("", None, false, false),
            ("guest-panicked", Some(true), false, true),
            ("finish-migrate", Some(true), false, true),
        ] {
            let state = State::of(word);
            let told = if word.is_empty() { "unknown" } else { word };
            assert_eq!((state.word(), state.has_process(), state.answers()), (told, process, answers));
            assert_eq!(state.fits(&State::Running), running, "{word}");
            assert_eq!(state.changes_wait(), word != "stopped", "{word}");
            assert_eq!(state.trouble().is_some(), matches!(word, "io-error" | "guest-panicked"), "{word}");
        }
    }

    #[test]
    fn a_guest_says_itself_what_it_does() {
        for (status, expected) in [
            (json!({"status": "running", "qmpstatus": "paused"}), State::Paused),
            (json!({"status": "running"}), State::Running),
            (json!({"status": "stopped", "qmpstatus": "stopped"}), State::Stopped),
            (json!({"qmpstatus": "io-error"}), State::IoError),
            (json!({}), State::Unknown),
            (json!(null), State::Unknown),
        ] {
            assert_eq!(State::of_status(&status), expected, "{status}");
        }
    }
}
