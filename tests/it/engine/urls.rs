//! Five thousand spellings of places that are closed: every one is refused, and nobody inside is called (threat B17, goal T5).
//! Made from a seed: an address of a closed network, in a notation, behind a scheme, with a port, or with what else a URL may have.

use std::{net::Ipv4Addr, sync::Arc, sync::atomic::AtomicUsize, sync::atomic::Ordering, time::Duration};

use shared::egress::{Egress, EgressError, Method, Request, Url, header::HeaderMap};
use tests::{dice::Dice, scale, stack};

const SEED: u64 = 20_261_124;

/// Closed networks: their first address and how many bits of it are fixed.
const CLOSED: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// Those that attacks have been after: metadata of clouds, the runtime's own API, this machine.
const SOUGHT: [Ipv4Addr; 7] = [
    Ipv4Addr::new(127, 0, 0, 1),
    Ipv4Addr::new(0, 0, 0, 0),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

fn address(dice: &mut Dice) -> Ipv4Addr {
    if dice.below(2) == 0 {
        return *dice.one(&SOUGHT);
    }
    let (network, bits) = *dice.one(&CLOSED);
    let within = u32::MAX.checked_shr(bits).unwrap_or_default();
    let any = u32::try_from(dice.any() >> 32).expect("32 bits");
    Ipv4Addr::from(u32::from(network) | (any & within))
}

/// A number in a notation that readers of addresses know.
fn number(value: u32, dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => format!("0x{value:x}"),
        1 => format!("0X{value:X}"),
        2 => format!("0{value:o}"),
        3 => format!("0x{value:010x}"),
        _ => value.to_string(),
    }
}

/// The address, written somehow. No name that has to be asked about outside of this machine.
fn host(dice: &mut Dice) -> String {
    let address = address(dice);
    let [a, b, c, d] = address.octets().map(u32::from);
    let whole = u32::from(address);
    let (high, low) = (whole >> 16, whole & 0xffff);
    match dice.below(16) {
        0 => address.to_string(),
        1 => format!("{address}."),
        2 => number(whole, dice),
        3 => format!("{}.{}", number(a, dice), number(whole & 0x00ff_ffff, dice)),
        4 => format!("{}.{}.{}", number(a, dice), number(b, dice), number(low, dice)),
        5 => [a, b, c, d].map(|part| number(part, dice)).join("."),
        6 => format!("[::ffff:{address}]"),
        7 => format!("[::ffff:{high:x}:{low:x}]"),
        8 => format!("[0:0:0:0:0:FFFF:{high:X}:{low:X}]"),
        9 => format!("[64:ff9b::{address}]"),
        10 => format!("[2002:{high:x}:{low:x}::{:x}]", dice.below(65_536)),
        11 => format!(
            "[{}::{:x}]",
            dice.one(&[
                "fc00", "fd00:ec2", "fe80", "fec0", "ff02", "2001:db8", "100", "2001", "3fff", "4000"
            ]),
            1 + dice.below(65_535)
        ),
        12 => dice.one(&["[::]", "[::1]", "localhost", "LOCALHOST", "[0:0:0:0:0:0:0:1]"]).to_string(),
        13 => address.to_string().chars().map(wide).collect(),
        14 => address.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect(),
        _ => {
            let dot = *dice.one(&["\u{3002}", "\u{ff0e}", "\u{ff61}", "%2e", "%2E"]);
            address.to_string().replace('.', dot)
        }
    }
}

/// A digit as wide as a Chinese character, which readers of names take for the digit.
fn wide(letter: char) -> char {
    letter.to_digit(10).and_then(|digit| char::from_u32(0xff10 + digit)).unwrap_or(letter)
}

fn url(canary: u16, dice: &mut Dice) -> String {
    let host = host(dice);
    let scheme = *dice.one(&["https", "https", "https", "https", "http", "HTTPS", "ftp", "ws"]);
    let user = *dice.one(&["", "", "", "example.com@", "example.com:443@", "a:b@"]);
    let port = match dice.below(4) {
        0 => String::new(),
        1 => format!(":{}", dice.one(&[22, 25, 80, 443, 5432, 8080, 9001])),
        _ => format!(":{canary}"),
    };
    let rest = *dice.one(&[
        "/",
        "/latest/meta-data/",
        "/..%2f",
        "?x=https://example.com/",
        "/#@example.com/",
        "\\@example.com/",
    ]);
    format!("{scheme}://{user}{host}{port}{rest}")
}

#[test]
fn no_spelling_of_a_closed_place_is_reached() {
    stack::run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let called = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&called);
        let inside = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (egress, mut dice) = (Egress::new(None).expect("no exceptions"), Dice::new(SEED));
        let (mut tried, mut no_urls, mut let_through) = (0, 0, Vec::new());
        while tried < scale::of(5_000, 100_000) {
            let text = url(port, &mut dice);
            let Ok(url) = Url::parse(&text) else {
                no_urls += 1;
                continue;
            };
            tried += 1;
            let tcp = match (url.host_str(), url.port_or_known_default()) {
                (Some(host), Some(port)) => {
                    egress.check_tcp(("postgres", true), host.trim_matches(['[', ']']), port).await.is_ok()
                }
                _ => false,
            };
            let request = Request {
                method: Method::GET,
                url: url.clone(),
                headers: HeaderMap::new(),
                body: Vec::new(),
                deadline: Duration::from_secs(2),
                max_body: 1024,
            };
            let sent = egress.send(request).await;
            if tcp || !matches!(sent, Err(EgressError::Refused(_))) {
                let_through.push(format!("{text} = {url}: {:?}", sent.map(|answer| answer.status)));
            }
        }
        inside.abort();
        let called = called.load(Ordering::Relaxed);
        let counts = [
            ("urls", tried.to_string()),
            ("no_urls_beside", no_urls.to_string()),
            ("let_through", let_through.len().to_string()),
            ("calls_inside", called.to_string()),
            ("seed", SEED.to_string()),
        ];
        scale::say("egress", &counts);
        assert!(let_through.is_empty(), "seed {SEED}: {let_through:#?}");
        assert_eq!(called, 0);
    });
}
