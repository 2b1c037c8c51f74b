//! Sign-ins under way. The browser keeps them, sealed, so that only the browser that began one can end it; a few at a time,
//! because people open several tabs. One that was used, in whatever way it ended, is gone.

use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::auth::{SessionKeys, cookie, random_word};

/// How long somebody may take at the provider, in seconds.
const PATIENCE_S: i64 = 600;
/// More are not kept; the oldest goes first. A cookie holds 4 KiB.
const AT_ONCE: usize = 3;
/// Longer texts are no invitation, and would not fit into the cookie.
const MAX_INVITATION: usize = 64;
const PURPOSE: &str = "flow";

/// One sign-in under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// Comes back from the provider in the query.
    pub(crate) state: String,
    /// Comes back in the ID token.
    pub(crate) nonce: String,
    /// Proves to the provider that who redeems the code is who asked for it (PKCE).
    pub(crate) verifier: String,
    /// Where to go afterwards: a path of this site.
    pub(crate) return_to: String,
    /// The invitation that the sign-in began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitation: Option<String>,
    began_s: i64,
}

/// Those of one browser.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flows(Vec<Flow>);

impl Flow {
    /// A fresh one. None where the machine has no randomness.
    pub(crate) fn begin(return_to: String, now: Timestamp) -> Option<Self> {
        Some(Self {
            state: random_word()?,
            nonce: random_word()?,
            verifier: random_word()?,
            return_to,
            invitation: None,
            began_s: now.as_second(),
        })
    }

    /// The same with an invitation. A text that is too long for one is kept as none that ever was.
    pub(crate) fn with_invitation(self, text: Option<&str>) -> Self {
        let kept = |text: &str| if text.len() <= MAX_INVITATION { text.to_owned() } else { String::new() };
        Self { invitation: text.map(kept), ..self }
    }
}

impl Flows {
    /// Those that the request's cookie holds. A cookie that cannot be opened, or two of them, hold none.
    pub(crate) fn read(headers: &HeaderMap, keys: &SessionKeys, now: Timestamp) -> Self {
        let values = cookie::values(headers, cookie::FLOW).unwrap_or_default();
        let [sealed] = values.as_slice() else { return Self::default() };
        let opened = keys.open(PURPOSE, sealed).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut flows: Vec<Flow> = opened.unwrap_or_default();
        flows.retain(|flow| (0..PATIENCE_S).contains(&(now.as_second() - flow.began_s)));
        Self(flows)
    }

    /// Adds one; beyond a few the oldest is forgotten.
    pub(crate) fn add(&mut self, flow: Flow) {
        self.0.push(flow);
        let excess = self.0.len().saturating_sub(AT_ONCE);
        self.0.drain(..excess);
    }

    /// Takes the one of a state out.
    pub(crate) fn take(&mut self, state: &str) -> Option<Flow> {
        let at = self.0.iter().position(|flow| flow.state == state)?;
        Some(self.0.remove(at))
    }

    /// The `Set-Cookie` value that keeps what is left.
    pub(crate) fn cookie(&self, keys: &SessionKeys) -> String {
        let bytes = serde_json::to_vec(&self.0).unwrap_or_default();
        match keys.seal(PURPOSE, &bytes) {
            Ok(sealed) if !self.0.is_empty() => cookie::set(cookie::FLOW, &sealed, PATIENCE_S),
            Ok(_) | Err(_) => cookie::clear(cookie::FLOW),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::secrets::{KeyRing, Secret};

    use super::*;

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
        let mut flows = Flows::default();
        flows.add(flow.clone());
        let kept = sent_back(&flows.cookie(&keys('A')));
        assert_eq!(Flows::read(&kept, &keys('A'), at(599)).take(&flow.state), Some(flow.clone()));
        assert_eq!(Flows::read(&kept, &keys('A'), at(600)), Flows::default(), "too late");
        assert_eq!(Flows::read(&kept, &keys('A'), at(-1)), Flows::default(), "from the future");
        assert_eq!(Flows::read(&HeaderMap::new(), &keys('A'), at(1)), Flows::default(), "another browser");
        assert_eq!(Flows::read(&kept, &keys('E'), at(1)), Flows::default(), "another key");
        let mut twice = kept.clone();
        twice.append(http::header::COOKIE, kept[http::header::COOKIE].clone());
        assert_eq!(Flows::read(&twice, &keys('A'), at(1)), Flows::default(), "a planted second cookie");
        let mut read = Flows::read(&kept, &keys('A'), at(1));
        assert_eq!(read.take("another state"), None);
        assert!(read.take(&flow.state).is_some() && read.take(&flow.state).is_none());
        assert!(read.cookie(&keys('A')).contains("Max-Age=0"));
    }

    #[test]
    fn a_few_flows_run_side_by_side_and_fit_a_cookie() {
        let mut flows = Flows::default();
        let begun: Vec<Flow> =
            (0..5).map(|_| Flow::begin(format!("/{}", "a".repeat(511)), at(0)).unwrap()).collect();
        for flow in &begun {
            flows.add(flow.clone());
        }
        let cookie = flows.cookie(&keys('A'));
        assert!(cookie.len() < 4096, "{}", cookie.len());
        let mut read = Flows::read(&sent_back(&cookie), &keys('A'), at(1));
        assert!(begun[..2].iter().all(|flow| read.take(&flow.state).is_none()));
        assert!(begun[2..].iter().all(|flow| read.take(&flow.state).is_some()));
    }
}
