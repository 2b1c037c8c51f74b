//! Who is calling. Tokens are verified here and nowhere else; no database is reached.
//!
//! A sign-in ([`flow`], [`Provider`]) verifies the provider's ID tokens ([`Issuer`], [`id_token`]) and applications' access
//! tokens ([`access_token`]), and mints our own session token ([`SessionKeys`]); the portal turns a request's headers into a
//! [`Principal`] ([`authenticate`]) and asks unsafe methods for their origin ([`check_origin`]). Platform operators have a door
//! of their own, with a token of their own ([`Operator`], [`authenticate_operator`]). What a person may do is not decided here:
//! membership, role and workspace state are re-read by
//! `system.authorize` as the scope opens.

pub mod access_token;
mod api_token;
pub mod cookie;
pub mod flow;
pub mod id_token;
mod invitation;
mod issuer;
mod operator;
mod origin;
mod principal;
mod provider;
mod query;
mod seal;
mod session;
mod token;

#[cfg(test)]
mod fixture;

pub use api_token::ApiToken;
pub use invitation::InvitationSecret;
pub use issuer::{Fetch, Issuer, IssuerError, Metadata, SigningKey};
pub use operator::{OPERATOR_LIFETIME, OPERATOR_ROLE, Operator, authenticate_operator};
pub use origin::{ForeignOrigin, check_origin};
pub use principal::{Credential, Principal, Unauthenticated, authenticate};
pub use provider::{Provider, Registration, SignInError};
pub use query::{Query, Repeated};
pub use seal::{NotSealedHere, random_word};
pub use session::{CannotSign, LIFETIME, SessionKeys};
pub use token::Rejected;
