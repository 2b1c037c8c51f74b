//! Due schedules become messages; what a crash left behind is swept.
fn main() {}
