//! The ticket of a user who logs in with a password: one login at a time for all threads, renewal, second factor.
//!
//! The caller provides the function that sends a login; pve.md section 2 describes what is sent.

use super::{
    Params,
    auth::{self, ClockTime, Login, Ticket, Validity},
    error::{Error, Result},
    in_flight::SLICE,
    reply::Reply,
    totp,
};
use crate::{
    cancel::Cancel,
    secret::{Secret, SecretSource},
    sync::lock,
};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The account to log in with.
pub(super) struct Account<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a SecretSource,
    pub(super) totp: Option<&'a SecretSource>,
}

/// What a thread needs to obtain a ticket.
pub(super) struct LoginContext<'a> {
    pub(super) account: Account<'a>,
    pub(super) cancel: &'a Cancel,
    pub(super) deadline: Instant,
    /// Sends a login.
    pub(super) ask: &'a dyn Fn(&Params) -> Result<Reply>,
    /// Requests the list of realms (API path `/access/domains`, which needs no login).
    pub(super) realms: &'a dyn Fn() -> Result<Reply>,
}

/// A realm as `/access/domains` lists it.
#[derive(Deserialize)]
struct Realm {
    realm: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A ticket and its number; each login gets the next number.
#[derive(Clone, Debug)]
pub(super) struct NumberedTicket {
    pub(super) number: u64,
    pub(super) ticket: Ticket,
}

/// The login state that all threads share.
#[derive(Default)]
pub(super) struct Session {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pass: Option<NumberedTicket>,
    /// Whether a thread is logging in.
    busy: bool,
    /// How many logins have finished.
    ended: u64,
    /// Why the last one failed.
    failure: Option<Error>,
    /// The last one-time password: Proxmox accepts each only once.
    spent: Option<String>,
}

impl Session {
    /// Returns the current ticket, or a new one if there is none, it is due for renewal, or it is the one that was
    /// `refused`. If several threads need one, one of them logs in; the others wait and get its ticket or its error, so
    /// that a wrong password is tried once, not once per thread.
    pub(super) fn pass(&self, door: &LoginContext<'_>, refused: Option<u64>) -> Result<NumberedTicket> {
        let mut state = lock(&self.state);
        let ended_before = state.ended;
        let renewing = loop {
            let known = state.pass.clone().filter(|pass| refused != Some(pass.number));
            let validity =
                known.as_ref().map_or(Validity::Expired, |pass| pass.ticket.validity(ClockTime::now()));
            match (known, validity) {
                (Some(pass), Validity::RecentChanges) => return Ok(pass),
                (Some(pass), Validity::Renew) if state.busy => return Ok(pass),
                (Some(pass), Validity::Renew) => break Some(pass),
                _ if !state.busy => {
                    if let Some(failure) = &state.failure
                        && ended_before != state.ended
                    {
                        return Err(failure.clone());
                    }
                    break None;
                }
                _ => {}
            }
            state = self.changed.wait_timeout(state, SLICE).unwrap_or_else(PoisonError::into_inner).0;
            door.check()?;
        };
        state.busy = true;
        let busy = Busy(self);
        let (number, mut spent) = (state.ended + 1, state.spent.take());
        drop(state);
        let result = door.ticket(renewing.as_ref(), &mut spent);
        let mut state = lock(&self.state);
        state.spent = spent;
        state.ended = number;
        let result = match result {
            Ok(ticket) => {
                state.failure = None;
                state.pass = Some(NumberedTicket { number, ticket });
                Ok(NumberedTicket {
                    number,
                    ticket: state.pass.as_ref().expect("it was just set").ticket.clone(),
                })
            }
            Err(error) => {
                // A cancellation by one caller says nothing about the password.
                state.failure = Some(error.clone()).filter(|error| !error.is_cancelled());
                state.pass.take_if(|pass| refused == Some(pass.number));
                // A failed renewal leaves a ticket that is still good.
                renewing.ok_or(error)
            }
        };
        drop(state);
        drop(busy);
        result
    }
}

/// Resets `busy` when the login is over, also after a panic.
struct Busy<'a>(&'a Session);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).busy = false;
        self.0.changed.notify_all();
    }
}

impl LoginContext<'_> {
    fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled { may_have_been_carried_out: false });
        }
        if self.deadline <= Instant::now() {
            return Err(Error::SecondFactor {
                user: self.account.user.into(),
                problem: "the login did not finish within the time for one request. Try again.".into(),
            });
        }
        Ok(())
    }

    /// Obtains a new ticket: with the old one if there is one; otherwise, or if that is refused, with the password.
    fn ticket(&self, renewing: Option<&NumberedTicket>, spent: &mut Option<String>) -> Result<Ticket> {
        let user = self.account.user;
        if let Some(old) = renewing {
            let asked_at = ClockTime::now();
            match (self.ask)(&auth::login(user, old.ticket.as_password())) {
                Ok(reply) => {
                    if let Some(Login::Done(ticket)) = auth::read_login(&reply.value(), asked_at) {
                        return Ok(ticket);
                    }
                }
                Err(error) if error.api_status().is_none() => return Err(error),
                Err(_) => {}
            }
        }
        let password = self.account.password.fetch().map_err(|problem| Error::Setup { problem })?;
        let asked_at = ClockTime::now();
        let reply = (self.ask)(&auth::login(user, &password)).map_err(|error| match error {
            Error::Refused { .. } | Error::Unauthorized { .. } => self.refused(error, &self.why_refused()),
            other => other,
        })?;
        match auth::read_login(&reply.value(), asked_at) {
            Some(Login::Done(ticket)) => Ok(ticket),
            Some(Login::Wanted { challenge, kinds }) => {
                let ahead = reply.date.map(|date| (date, Instant::now()));
                self.second_factor(&challenge, &kinds, ahead, spent)
            }
            None => Err(self.strange()),
        }
    }

    /// Answers a challenge with a one-time password, calculated from the server's clock if its time is known.
    fn second_factor(
        &self,
        challenge: &Secret,
        kinds: &[String],
        server: Option<(u64, Instant)>,
        spent: &mut Option<String>,
    ) -> Result<Ticket> {
        let user = self.account.user;
        let stopped = |problem: String| Error::SecondFactor { user: user.into(), problem };
        if !kinds.iter().any(|kind| kind == "totp") {
            return Err(stopped(format!(
                "the account asks for a second factor ({}) that only a person can give. Use an API token, which needs none.",
                if kinds.is_empty() { "of an unknown kind".into() } else { kinds.join(", ") }
            )));
        }
        let Some(source) = self.account.totp else {
            return Err(stopped(
                "the account asks for a one-time password. Set `totp` to its secret, or use an API token, which needs none.".into(),
            ));
        };
        let code = loop {
            let secret = source.fetch().map_err(|problem| Error::Setup { problem })?;
            let now = match server {
                Some((date, read_at)) => date + read_at.elapsed().as_secs(),
                None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            };
            let code = totp::code(secret.expose(), now).map_err(|problem| Error::Setup { problem })?;
            if spent.as_ref() != Some(&code) {
                break code;
            }
            if totp::is_code(secret.expose()) || self.cancel.should_stop_waiting() {
                return Err(stopped("the one-time password has been used already; Proxmox accepts each only once. Try again with the next one.".into()));
            }
            let _ = self.cancel.sleep(Duration::from_millis(500));
            self.check()?;
        };
        *spent = Some(code.clone());
        let asked_at = ClockTime::now();
        let reply = (self.ask)(&auth::second_factor(user, challenge, &code)).map_err(|error| {
            self.refused(
                error,
                "The one-time password was wrong: check the secret in `totp` and that the clocks agree.",
            )
        })?;
        match auth::read_login(&reply.value(), asked_at) {
            Some(Login::Done(ticket)) => Ok(ticket),
            _ => Err(self.strange()),
        }
    }

    /// Advice after a refused password. Proxmox does not say whether user, realm or password is wrong, but it lists its
    /// realms.
    fn why_refused(&self) -> String {
        let (user, realm) =
            (self.account.user, self.account.user.rsplit_once('@').map_or("", |(_, realm)| realm));
        let realms = (self.realms)().and_then(|reply| reply.parse::<Vec<Realm>>()).unwrap_or_default();
        match realms.iter().find(|known| known.realm == realm) {
            Some(known) if known.kind == "openid" => format!(
                "The realm `{realm}` uses OpenID Connect, which takes a login in a browser and no password. Use an API token instead: `pveum user token add '{user}' NAME` on a node."
            ),
            None if !realms.is_empty() => format!(
                "There is no realm `{realm}`; the realms are {}. Correct `user` or `realm`.",
                realms
                    .iter()
                    .map(|known| format!("`{}`", known.realm))
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            _ => "Check user, realm and password: Proxmox does not say which of them is wrong. The user may also be disabled or expired.".into(),
        }
    }

    fn refused(&self, error: Error, advice: &str) -> Error {
        match error {
            Error::Refused { message, .. } | Error::Unauthorized { reason: message, .. } => {
                Error::LoginRefused { user: self.account.user.into(), message, advice: advice.into() }
            }
            other => other,
        }
    }

    fn strange(&self) -> Error {
        Error::LoginRefused {
            user: self.account.user.into(),
            message: "the answer contains no ticket".into(),
            advice: "Check that host and port are those of the API (8006).".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::{
        Method,
        error::{Asked, Identity},
        reply::{Answer, read},
    };
    use std::cell::RefCell;

    fn answered(body: &str) -> Result<Reply> {
        let asked = Asked { method: Method::Post, path: auth::PATH.into(), host: "h:1".into() };
        let answer = Answer {
            status: 200,
            reason: String::new(),
            location: None,
            date: Some(59),
            retry_after: None,
            body: body.into(),
        };
        read(answer, asked, &Identity::Nobody)
    }

    fn given(name: &str) -> Result<Reply> {
        answered(&format!(r#"{{"data":{{"ticket":"{name}","CSRFPreventionToken":"c"}}}}"#))
    }

    fn refused() -> Result<Reply> {
        answered(r#"{"success":0,"status":401,"message":"authentication failure\n"}"#)
    }

    fn unreachable() -> Result<Reply> {
        Err(Error::NotSent { host: "h:1".into(), problem: "no connection.".into() })
    }

    fn through(
        session: &Session,
        cancel: &Cancel,
        ask: &dyn Fn(&Params) -> Result<Reply>,
    ) -> Result<NumberedTicket> {
        let password = SecretSource::Value(Secret::new("password"));
        let totp = SecretSource::Value(Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        let account = Account { user: "a@pve", password: &password, totp: Some(&totp) };
        let deadline = Instant::now() + Duration::from_secs(20);
        session.pass(&LoginContext { account, cancel, deadline, ask, realms: &unreachable }, None)
    }

    /// Requests a pass with a ticket of that age; `expected` are the passwords sent and the resulting ticket.
    #[track_caller]
    fn check(minutes: u64, answers: &[fn() -> Result<Reply>], expected: (&[&str], Option<&str>)) {
        let session = Session::default();
        let mut issued = ClockTime::now();
        issued.wall -= Duration::from_secs(60 * minutes);
        let Some(Login::Done(ticket)) = auth::read_login(&given("old").unwrap().value(), issued) else {
            panic!()
        };
        lock(&session.state).pass = Some(NumberedTicket { number: 0, ticket });
        let sent = RefCell::new(Vec::new());
        let result = through(&session, &Cancel::new(), &|params| {
            sent.borrow_mut().push(params.get("password").unwrap_or_default().to_owned());
            answers[sent.borrow().len() - 1]()
        });
        assert_eq!(*sent.borrow(), expected.0);
        assert_eq!(
            result.ok().map(|pass| pass.ticket.as_password().expose().to_owned()).as_deref(),
            expected.1
        );
        assert!(!lock(&session.state).busy);
    }

    #[test]
    fn an_old_ticket_is_exchanged_and_a_very_old_one_replaced() {
        let new: fn() -> Result<Reply> = || given("new");
        check(5, &[], (&[], Some("old")));
        check(95, &[new], (&["old"], Some("new")));
        check(95, &[refused, new], (&["old", "password"], Some("new")));
        check(95, &[unreachable], (&["old"], Some("old")));
        check(95, &[refused, refused], (&["old", "password"], Some("old")));
        check(200, &[new], (&["password"], Some("new")));
        check(200, &[unreachable], (&["password"], None));
    }

    #[test]
    fn a_one_time_password_is_not_used_twice() {
        let session = Session::default();
        // The server's clock says 59 s: this is its code.
        lock(&session.state).spent = Some("287082".into());
        let cancel = Cancel::new();
        cancel.stop_waiting();
        let half =
            r#"{"data":{"NeedTFA":1,"ticket":"PVE:!tfa!{\"totp\":true}:x","CSRFPreventionToken":"c"}}"#;
        let error = through(&session, &cancel, &|_| answered(half)).unwrap_err();
        assert!(error.to_string().contains("used already"), "{error}");
        assert_eq!(lock(&session.state).spent.as_deref(), Some("287082"));
    }
}
