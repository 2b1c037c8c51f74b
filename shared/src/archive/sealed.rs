//! The files of a backup: lines, compressed and sealed under the workspace's key. Each is bound to its workspace, its backup,
//! its number and to whether it is the last, so that none can be edited, left out, doubled, put elsewhere or cut off.

use super::{MAX_OBJECT, manifest::Unfit};
use crate::{
    keys::{Place, TenantKeys},
    model::ids::{OperationId, TenantId},
    secrets::Secret,
};

/// A file's lines may be this long before they are compressed: what is larger was not written by us.
pub const MAX_LINES: usize = MAX_OBJECT + 2 * 1024 * 1024;

/// Fast, and a fifth of the size for rows.
const LEVEL: i32 = 3;

/// Which file of which backup.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The workspace.
    pub tenant: TenantId,
    /// The backup.
    pub backup: OperationId,
    /// From 1.
    pub number: usize,
    /// Nothing follows it.
    pub is_last: bool,
}

impl Part {
    /// Its object's name.
    #[must_use]
    pub fn name(self) -> String {
        format!("part-{:04}", self.number)
    }

    /// Compresses and seals lines; gives the key's version with them.
    pub fn seal(self, keys: &TenantKeys, lines: &[u8]) -> Result<(i32, Vec<u8>), Unfit> {
        let packed = zstd::bulk::compress(lines, LEVEL).map_err(|_| unfit("cannot be compressed"))?;
        let row = self.row();
        keys.seal(place(self.tenant, &row), &Secret::new(packed))
            .map_err(|why| unfit(&format!("cannot be sealed: {why}")))
    }

    /// Opens and unpacks what was sealed as exactly this part.
    pub fn open(self, keys: &TenantKeys, version: i32, sealed: &[u8]) -> Result<Vec<u8>, Unfit> {
        let row = self.row();
        let packed = keys
            .open(place(self.tenant, &row), version, sealed)
            .map_err(|why| unfit(&format!("cannot be opened with the keys of this workspace: {why}")))?;
        zstd::bulk::decompress(packed.expose(), MAX_LINES).map_err(|_| unfit("cannot be unpacked"))
    }

    fn row(self) -> String {
        format!("{}/{}/{}", self.backup, self.number, if self.is_last { "last" } else { "more" })
    }
}

fn place(tenant: TenantId, row: &str) -> Place<'_> {
    Place { tenant, table: "backup", column: "part", row }
}

fn unfit(what: &str) -> Unfit {
    Unfit(format!("a part of it {what}"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{keys::Salt, secrets::KeyRing};

    fn keys(salt: u8) -> TenantKeys {
        let ring = Secret::new(
            br#"{"current":1,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}"#.to_vec(),
        );
        let salt = Salt::new(1, vec![salt; 32], None);
        TenantKeys::for_backups(KeyRing::parse(&ring).unwrap(), vec![salt])
    }

    #[test]
    fn a_part_opens_as_itself_and_as_no_other() {
        let part = Part {
            tenant: Uuid::from_u128(1).into(),
            backup: Uuid::from_u128(2).into(),
            number: 1,
            is_last: false,
        };
        let (version, sealed) = part.seal(&keys(1), b"{}\n").unwrap();
        assert_eq!(part.open(&keys(1), version, &sealed).unwrap(), b"{}\n");
        let others = [
            Part { tenant: Uuid::from_u128(3).into(), ..part },
            Part { backup: Uuid::from_u128(3).into(), ..part },
            Part { number: 2, ..part },
            Part { is_last: true, ..part },
        ];
        for other in others {
            assert!(other.open(&keys(1), version, &sealed).is_err(), "{other:?}");
        }
        assert!(part.open(&keys(2), version, &sealed).is_err(), "another salt");
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(part.open(&keys(1), version, &bent).is_err(), "byte {at}");
            assert!(part.open(&keys(1), version, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_unpacks_to_more_than_we_ever_write_is_refused() {
        let part = Part {
            tenant: Uuid::from_u128(1).into(),
            backup: Uuid::from_u128(2).into(),
            number: 1,
            is_last: true,
        };
        let (version, sealed) = part.seal(&keys(1), &vec![b'a'; MAX_LINES + 1]).unwrap();
        assert!(part.open(&keys(1), version, &sealed).is_err());
    }
}
