//! The people of the demo: two organisations, an Administrator and an Operator in each, and one person in both; one person of
//! an organisation that is no customer yet; and one platform operator, of the company that runs signalbox.
//!
//! The sign-in provider lists them, the seed makes them members, `people` prints them. All of them are made up. Their
//! ids are fixed, so that a stack that starts again knows them.

use uuid::{Uuid, uuid};

use crate::oidc::{Account, Application};

pub mod sign_in;

/// A customer of the demo: one directory, one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its name, and its workspace's.
    pub name: &'static str,
    /// Its directory (`tid`).
    pub directory_id: Uuid,
}

/// Somebody of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// What one types: `token ada`.
    pub key: &'static str,
    /// For display.
    pub name: &'static str,
    /// The name they sign in with.
    pub user_name: &'static str,
    /// Who they are in their own directory (`oid`).
    pub object_id: Uuid,
    /// Their organisation: they sign in through its directory.
    pub home: Organisation,
    /// What they may do, and where.
    pub memberships: &'static [(Organisation, &'static str)],
}

/// A grid operator.
pub const NORTHWIND: Organisation =
    Organisation { name: "Northwind Grid", directory_id: uuid!("4f0c9a6e-53b7-4d6c-9d0f-6a3f2a7c1e01") };
/// A consultancy.
pub const HARBOUR: Organisation =
    Organisation { name: "Harbour Analytics", directory_id: uuid!("b7d2e1f4-0a68-4c35-8a57-2f9f0d6c1e02") };
/// Both.
pub const ORGANISATIONS: [Organisation; 2] = [NORTHWIND, HARBOUR];

/// The company that runs signalbox: its directory is where platform operators sign in.
pub const OPERATIONS: Organisation = Organisation {
    name: "Signalbox Operations",
    directory_id: uuid!("c3a97b54-6e1d-4f28-9b80-7d5e1a2f4c03"),
};

/// A directory that the provider knows and nobody has onboarded.
pub const FERN: Organisation =
    Organisation { name: "Fern Hollow", directory_id: uuid!("e5c1bb76-8a3f-4b4c-bda2-9f701c4a6e05") };

/// An application of Northwind Grid, known to its directory and not yet to its workspace: an Administrator adds it by its object id.
#[must_use]
pub fn application() -> Application {
    Application {
        directory_id: NORTHWIND.directory_id,
        object_id: uuid!("61cbc265-dfa0-4e83-86f9-52a3e170cf16"),
        client_id: uuid!("72dcd376-e0b1-4f94-97a0-63b4f281d017"),
        client_secret: "northwind".to_owned(),
    }
}

/// Every customer's people. The first Administrator of an organisation is the one that its onboarding names.
pub const PEOPLE: [Person; 5] = [
    Person {
        key: "ada",
        name: "Ada Thorne",
        user_name: "ada@northwind.example",
        object_id: uuid!("1c6f7d10-8a5b-4f3e-b1a4-0d5e9c2b7a11"),
        home: NORTHWIND,
        memberships: &[(NORTHWIND, "administrator")],
    },
    Person {
        key: "ben",
        name: "Ben Okafor",
        user_name: "ben@northwind.example",
        object_id: uuid!("2d7a8e21-9b6c-4a4f-82b5-1e6fad3c8b12"),
        home: NORTHWIND,
        memberships: &[(NORTHWIND, "operator")],
    },
    Person {
        key: "clara",
        name: "Clara Voss",
        user_name: "clara@harbour.example",
        object_id: uuid!("3e8b9f32-ac7d-4b50-93c6-2f70be4d9c13"),
        home: HARBOUR,
        memberships: &[(HARBOUR, "administrator")],
    },
    Person {
        key: "dan",
        name: "Dan Ruiz",
        user_name: "dan@harbour.example",
        object_id: uuid!("4f9ca043-bd8e-4c61-a4d7-3081cf5ead14"),
        home: HARBOUR,
        memberships: &[(HARBOUR, "operator")],
    },
    Person {
        key: "eva",
        name: "Eva Lindqvist",
        user_name: "eva@harbour.example",
        object_id: uuid!("50adb154-ce9f-4d72-b5e8-4192d06fbe15"),
        home: HARBOUR,
        memberships: &[(HARBOUR, "administrator"), (NORTHWIND, "operator")],
    },
];

/// Platform operators. They are members of no workspace.
pub const OPERATORS: [Person; 1] = [Person {
    key: "olga",
    name: "Olga Reyes",
    user_name: "olga@operations.example",
    object_id: uuid!("61becf65-d0a0-4e83-a6f9-52a3e170cf16"),
    home: OPERATIONS,
    memberships: &[],
}];

/// Who may look in, and is let in once their organisation is onboarded.
pub const PROSPECTS: [Person; 1] = [Person {
    key: "fay",
    name: "Fay Moreau",
    user_name: "fay@fern.example",
    object_id: uuid!("83edf187-02c2-4ab5-88fb-74c592f0a817"),
    home: FERN,
    memberships: &[],
}];

impl Organisation {
    /// The organisation that somebody typed part of the name of.
    pub fn find(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        ORGANISATIONS.into_iter().find(|it| !text.is_empty() && it.name.to_lowercase().starts_with(&text))
    }

    /// Its first Administrator.
    pub fn administrator(self) -> Option<&'static Person> {
        PEOPLE
            .iter()
            .find(|person| person.home == self && person.memberships.contains(&(self, "administrator")))
    }
}

impl Person {
    /// The person that somebody typed the key, sign-in name or name of.
    pub fn find(text: &str) -> Option<&'static Self> {
        PEOPLE.iter().chain(&PROSPECTS).chain(&OPERATORS).find(|person| {
            [person.key, person.user_name, person.name].iter().any(|it| it.eq_ignore_ascii_case(text))
        })
    }

    /// Whether they sign in at the operators' door.
    pub fn is_operator(&self) -> bool {
        self.home == OPERATIONS
    }

    /// As the sign-in provider knows them.
    pub fn account(&self) -> Account {
        Account {
            directory_id: self.home.directory_id,
            object_id: self.object_id,
            name: self.name.to_owned(),
            user_name: self.user_name.to_owned(),
        }
    }
}

/// Everybody, a line each.
pub fn list() -> String {
    let line = |person: &Person| {
        let mut roles: Vec<String> =
            person.memberships.iter().map(|(at, role)| format!("{role} at {}", at.name)).collect();
        if person.is_operator() {
            roles.push("platform operator".to_owned());
        }
        let roles = if roles.is_empty() { "nobody's customer yet".to_owned() } else { roles.join(", ") };
        format!("{:<6} {:<14} {:<23} {roles}\n", person.key, person.name, person.user_name)
    };
    PEOPLE.iter().chain(&PROSPECTS).chain(&OPERATORS).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_organisation_has_both_roles_and_one_person_is_in_both() {
        for organisation in ORGANISATIONS {
            assert!(organisation.administrator().is_some());
            for role in ["administrator", "operator"] {
                assert!(PEOPLE.iter().any(|person| person.memberships.contains(&(organisation, role))));
            }
        }
        assert_eq!(PEOPLE.iter().filter(|person| person.memberships.len() == 2).count(), 1);
    }

    #[test]
    fn people_are_found_as_one_types_them() {
        assert_eq!(Person::find("Ada").unwrap().key, "ada");
        assert_eq!(Person::find("eva@harbour.example").unwrap().key, "eva");
        assert!(Person::find("olga").unwrap().is_operator());
        assert!(Person::find("nobody").is_none());
        assert_eq!(Organisation::find("harbour").unwrap(), HARBOUR);
        assert!(Organisation::find("").is_none());
    }
}
