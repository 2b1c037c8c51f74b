//! Invitations' secrets: `sbi_` and 256 random bits. The portal makes them, sign-in takes them; only the SHA-256 is kept.

use aws_lc_rs::digest::{SHA256, digest};

use super::seal::random_word;
use crate::secrets::Secret;

/// Longer texts are no invitation.
const LENGTH: usize = "sbi_".len() + 43;

/// The secret of an invitation that was just made: the one time that its text is known here.
pub struct InvitationSecret {
    /// What stands in the link, once.
    pub text: Secret,
    /// What is kept.
    pub hash: Vec<u8>,
}

impl InvitationSecret {
    /// A fresh one. None where the machine has no randomness.
    pub fn make() -> Option<Self> {
        let text = format!("sbi_{}", random_word()?);
        Some(Self { hash: Self::hash(&text), text: Secret::new(text.into_bytes()) })
    }

    /// What is kept of a text that somebody brought; of one that cannot be an invitation's, what nothing has.
    pub fn hash(text: &str) -> Vec<u8> {
        let text = if text.len() == LENGTH { text } else { "" };
        digest(&SHA256, text.as_bytes()).as_ref().to_vec()
    }
}
