//! What is deployed: the template's safe settings, the names of settings, third-party code, and the scripts.
//!
//! Nothing here starts the stack or reaches the network: files are read and judged.

mod checks;
mod install;
mod mutations;
mod settings;
mod supply;
mod template;
