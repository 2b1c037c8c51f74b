//! Who is calling. Tokens are verified here and nowhere else; no database is reached.
//!
//! Sign-in verifies the provider's ID tokens ([`Issuer`], [`id_token`]) and applications' access tokens ([`access_token`]), and mints our own session token ([`SessionKeys`]);
//! the portal turns a request's headers into a [`Principal`] ([`authenticate`]) and asks unsafe methods for their origin
//! ([`check_origin`]). What a person may do is not decided here: membership, role and workspace state are re-read by
//! `system.authorize` as the scope opens.

pub mod access_token;
mod api_token;
pub mod cookie;
pub mod id_token;
mod invitation;
mod issuer;
mod origin;
mod principal;
mod seal;
mod session;
mod token;

#[cfg(test)]
mod fixture;

pub use api_token::ApiToken;
pub use invitation::InvitationSecret;
pub use issuer::{Fetch, Issuer, IssuerError, Metadata, SigningKey};
pub use origin::{ForeignOrigin, check_origin};
pub use principal::{Credential, Principal, Unauthenticated, authenticate};
pub use seal::{NotSealedHere, random_word};
pub use session::{CannotSign, LIFETIME, SessionKeys};
pub use token::Rejected;
