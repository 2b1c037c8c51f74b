//! What people and customers are called never becomes SQL: a schema's name is made from the workspace's id and nothing else.

use std::collections::HashSet;

use shared::model::{ids::TenantId, tenant::SchemaName};
use tests::{
    database,
    dice::Dice,
    scale, stack,
    tenant::{Directory, Workspace, random_id},
};

/// Names that have broken others.
const HOSTILE: [&str; 14] = [
    "'; drop schema system cascade; --",
    "\"; drop schema system cascade; --",
    "$$; select 1; $$",
    "t_00000000000000000000000000000000",
    "pg_catalog",
    "system",
    "public; set role signalbox_owner",
    "ROLE \"x\" SUPERUSER",
    "\u{202e}gnippohs",
    "аdmin",
    "naïve ﬁ ſ K",
    "%s %I %L {role} {ours}",
    "\\'; \\\"; \\x00",
    "sixty-three bytes and then some more, so that a server that cuts names has two of one",
];

/// Any text, with a liking for what looks like a schema's name.
fn text(dice: &mut Dice) -> String {
    let hex = |dice: &mut Dice, length| {
        (0..length).map(|_| *dice.one(b"0123456789abcdef") as char).collect::<String>()
    };
    match dice.below(6) {
        0 => format!("t_{}", hex(dice, 32)),
        1 => {
            let mut name = format!("t_{}", hex(dice, 32)).into_bytes();
            let at = dice.below(name.len());
            name[at] = u8::try_from(dice.below(128)).expect("ASCII");
            String::from_utf8(name).expect("ASCII")
        }
        2 => {
            let length = 28 + dice.below(8);
            format!("t_{}", hex(dice, length))
        }
        3 => format!("t_{}{}", hex(dice, 31), dice.one(&["A", "F", "g", "\"", "\0", "٣", "ａ", " "])),
        4 => (*dice.one(&HOSTILE)).to_owned(),
        _ => {
            let length = dice.below(40);
            (0..length)
                .filter_map(|_| char::from_u32(u32::try_from(dice.below(0x11_0000)).expect("a scalar")))
                .collect()
        }
    }
}

#[test]
fn only_what_was_generated_is_a_schemas_name() {
    let (mut dice, attempts) = (Dice::new(5), scale::of(100_000, 1_000_000));
    let mut taken = 0;
    for _ in 0..attempts {
        let text = text(&mut dice);
        let is_one = text.len() == 34
            && text.starts_with("t_")
            && text[2..].bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let read = text.parse::<SchemaName>();
        assert_eq!(read.is_ok(), is_one, "{text:?}");
        if let Ok(name) = read {
            assert_eq!(name.quoted(), format!("\"{text}\""));
            taken += 1;
        }
    }
    let names: HashSet<String> =
        (0..attempts).map(|_| SchemaName::of(TenantId::from(random_id())).as_str().to_owned()).collect();
    assert_eq!(names.len(), attempts, "no two of them are one");
    let counts =
        [("names_tried", attempts.to_string()), ("names", taken.to_string()), ("collisions", "0".to_owned())];
    scale::say("isolation", &counts);
}

#[test]
fn a_customers_name_is_kept_as_it_is_and_names_no_schema() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        for name in HOSTILE {
            let mut directory = Directory::unknown(stack);
            directory.name = name.to_owned();
            let workspace = Workspace::claim_for(stack, &directory).await;
            let ask = "select name, schema_name, role_name from system.tenants where id = $1";
            let row = client.query_one(ask, &[&workspace.id]).await.expect("the workspace");
            assert_eq!(row.get::<_, String>(0), name);
            let schema = format!("t_{}", workspace.id.simple());
            assert_eq!((row.get::<_, String>(1), row.get::<_, String>(2)), (schema.clone(), schema));
        }
    });
}
