//! The audit log: every row is sealed, once and soon; whatever is done to one afterwards is found, by us and without us; reads
//! of what is sensitive stand in it; and who asks for what is not theirs is told of.

mod crossing;
mod sealing;
mod tampering;
mod transitions;
