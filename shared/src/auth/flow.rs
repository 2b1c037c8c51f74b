//! Sign-ins under way. The browser keeps them, sealed, so that only the browser that began one can end it; a few at a time,
//! because people open several tabs. One that was used, in whatever way it ended, is gone. Both doors, of people and of
//! platform operators, keep theirs with it, each under a cookie and a key of its own.

use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cookie::{self, FlowCookie},
    seal::random_word,
    session::SessionKeys,
};
use crate::model::ids::TenantId;

/// How long somebody may take at the provider, in seconds.
const PATIENCE_S: i64 = 600;
/// More are not kept; the oldest goes first. A cookie holds 4 KiB.
const AT_ONCE: usize = 3;
/// Longer texts are no invitation, and would not fit into the cookie.
const MAX_INVITATION: usize = 64;

/// One sign-in under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Comes back from the provider in the query.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves to the provider that who redeems the code is who asked for it (PKCE).
    pub verifier: String,
    /// Where to go afterwards: a path of this site.
    pub return_to: String,
    /// The invitation that the sign-in began with; of people's door only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
    /// The workspace that the sign-in is for; of people's door only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<TenantId>,
    began_s: i64,
}

/// Those of one browser, at one door.
#[derive(Debug, PartialEq, Eq)]
pub struct Flows {
    flows: Vec<Flow>,
    kept_in: FlowCookie,
}

impl Flow {
    /// A fresh one. None where the machine has no randomness.
    pub fn begin(return_to: String, now: Timestamp) -> Option<Self> {
        Some(Self {
            state: random_word()?,
            nonce: random_word()?,
            verifier: random_word()?,
            return_to,
            invitation: None,
            workspace: None,
            began_s: now.as_second(),
        })
    }

    /// The same with an invitation. A text that is too long for one is kept as none that ever was.
    #[must_use]
    pub fn with_invitation(self, text: Option<&str>) -> Self {
        let kept = |text: &str| if text.len() <= MAX_INVITATION { text.to_owned() } else { String::new() };
        Self { invitation: text.map(kept), ..self }
    }

    /// The same for one workspace. A text that is no id is kept as one that no workspace has: whoever asked for a place is not let
    /// into another.
    #[must_use]
    pub fn with_workspace(self, text: Option<&str>) -> Self {
        let kept = |text: &str| text.parse().unwrap_or(TenantId::from(Uuid::nil()));
        Self { workspace: text.map(kept), ..self }
    }
}

impl Flows {
    /// Those that the request's cookie holds. A cookie that cannot be opened, or two of them, hold none.
    pub fn read(headers: &HeaderMap, keys: &SessionKeys, kept_in: FlowCookie, now: Timestamp) -> Self {
        let values = cookie::values(headers, kept_in.name).unwrap_or_default();
        let [sealed] = values.as_slice() else { return Self { flows: Vec::new(), kept_in } };
        let opened =
            keys.open(kept_in.purpose, sealed).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut flows: Vec<Flow> = opened.unwrap_or_default();
        flows.retain(|flow| (0..PATIENCE_S).contains(&(now.as_second() - flow.began_s)));
        Self { flows, kept_in }
    }

    /// Adds one; beyond a few the oldest is forgotten.
    pub fn add(&mut self, flow: Flow) {
        self.flows.push(flow);
        let excess = self.flows.len().saturating_sub(AT_ONCE);
        self.flows.drain(..excess);
    }

    /// Takes the one of a state out.
    pub fn take(&mut self, state: &str) -> Option<Flow> {
        let at = self.flows.iter().position(|flow| flow.state == state)?;
        Some(self.flows.remove(at))
    }

    /// The `Set-Cookie` value that keeps what is left.
    pub fn cookie(&self, keys: &SessionKeys) -> String {
        let bytes = serde_json::to_vec(&self.flows).unwrap_or_default();
        match keys.seal(self.kept_in.purpose, &bytes) {
            Ok(sealed) if !self.flows.is_empty() => cookie::set(self.kept_in.name, &sealed, PATIENCE_S),
            Ok(_) | Err(_) => cookie::clear(self.kept_in.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{KeyRing, Secret};

    const PEOPLE: FlowCookie = FlowCookie::PEOPLE;

    fn none() -> Flows {
        Flows { flows: Vec::new(), kept_in: PEOPLE }
    }

    fn keys(digit: char) -> SessionKeys {
        let ring = format!(
            r#"{{"current":1,"keys":{{"1":"{}="}}}}"#,
            digit.to_string().repeat(43).replace('8', "A")
        );
        SessionKeys::new(KeyRing::parse(&Secret::new(ring.into_bytes())).unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn sent_back(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(http::header::COOKIE, pair.parse().unwrap())])
    }

    /// Threat A14.
    #[test]
    fn a_flow_is_ended_once_by_the_browser_that_began_it_and_in_time() {
        let flow = Flow::begin("/jobs".to_owned(), at(0)).unwrap();
        let mut flows = none();
        flows.add(flow.clone());
        let kept = sent_back(&flows.cookie(&keys('A')));
        assert_eq!(Flows::read(&kept, &keys('A'), PEOPLE, at(599)).take(&flow.state), Some(flow.clone()));
        assert_eq!(Flows::read(&kept, &keys('A'), PEOPLE, at(600)), none(), "too late");
        assert_eq!(Flows::read(&kept, &keys('A'), PEOPLE, at(-1)), none(), "from the future");
        assert_eq!(Flows::read(&HeaderMap::new(), &keys('A'), PEOPLE, at(1)), none(), "another browser");
        assert_eq!(Flows::read(&kept, &keys('E'), PEOPLE, at(1)), none(), "another key");
        let other = FlowCookie::OPERATORS;
        assert_eq!(Flows::read(&kept, &keys('A'), other, at(1)).flows, [], "another door");
        let mut twice = kept.clone();
        twice.append(http::header::COOKIE, kept[http::header::COOKIE].clone());
        assert_eq!(Flows::read(&twice, &keys('A'), PEOPLE, at(1)), none(), "a planted second cookie");
        let mut read = Flows::read(&kept, &keys('A'), PEOPLE, at(1));
        assert_eq!(read.take("another state"), None);
        assert!(read.take(&flow.state).is_some() && read.take(&flow.state).is_none());
        assert!(read.cookie(&keys('A')).contains("Max-Age=0"));
    }

    fn largest(return_to: String) -> Flow {
        let flow = Flow::begin(return_to, at(0)).unwrap();
        flow.with_invitation(Some(&"i".repeat(MAX_INVITATION))).with_workspace(Some(&Uuid::max().to_string()))
    }

    #[test]
    fn what_is_no_id_is_kept_as_that_of_no_workspace() {
        let flow =
            |text: Option<&str>| Flow::begin("/".to_owned(), at(0)).unwrap().with_workspace(text).workspace;
        assert_eq!(flow(None), None);
        let (id, none) = (Uuid::max(), Some(TenantId::from(Uuid::nil())));
        assert_eq!(flow(Some(&id.to_string())), Some(id.into()));
        for text in ["", "x", "019", &format!("{id}0"), &"9".repeat(2000)] {
            assert_eq!(flow(Some(text)), none, "{text}");
        }
    }

    #[test]
    fn a_few_flows_run_side_by_side_and_fit_a_cookie() {
        let mut flows = none();
        let begun: Vec<Flow> = (0..5).map(|_| largest(format!("/{}", "a".repeat(511)))).collect();
        for flow in &begun {
            flows.add(flow.clone());
        }
        let cookie = flows.cookie(&keys('A'));
        assert!(cookie.len() < 4096, "{}", cookie.len());
        let mut read = Flows::read(&sent_back(&cookie), &keys('A'), PEOPLE, at(1));
        assert!(begun[..2].iter().all(|flow| read.take(&flow.state).is_none()));
        assert!(begun[2..].iter().all(|flow| read.take(&flow.state).is_some()));
    }
}
