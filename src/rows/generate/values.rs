//! The values of each type, as texts that its input function reads.

use crate::rows::table::{Oid, Type, TypeKind, Types};

/// What a value is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ordinary value.
    Plain,
    /// The smallest or emptiest.
    Low,
    /// The largest or longest.
    High,
}

/// Types in types that are looked into.
const DEEPEST: u8 = 6;

/// The value number `n` of a type. `written` is the type with its length; `apart`: other rows must not have it, also
/// those that a changeset writes, which often begin at 1.
pub(super) fn value(types: &Types, kind: Oid, written: &str, n: u64, what: Kind, apart: bool) -> Option<String> {
    let name = types.get(&kind)?.name.as_str();
    let what = if apart && is_counted(name) { Kind::Plain } else { what };
    of(types, kind, written, n, what, apart, DEEPEST)
}

/// Whether a value of the type can be the next one of a sequence: such values are far from 1 and not at the end.
fn is_counted(name: &str) -> bool {
    matches!(name, "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid")
}

fn of(types: &Types, kind: Oid, written: &str, n: u64, what: Kind, apart: bool, depth: u8) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let this = types.get(&kind)?;
    match this.kind {
        TypeKind::Domain if !this.samples.is_empty() => {
            this.samples.get(usize::try_from(n).ok()? % this.samples.len()).cloned()
        }
        TypeKind::Domain => of(types, this.of?, this.written.as_deref().unwrap_or(""), n, what, apart, depth),
        TypeKind::Enum => Some(label(this, n, what)?.clone()),
        TypeKind::Composite => {
            let fields: Option<Vec<String>> = this
                .attributes
                .iter()
                .map(|(kind, written)| Some(field(&of(types, *kind, written, n, what, apart, depth)?)))
                .collect();
            Some(format!("({})", fields?.join(",")))
        }
        TypeKind::Range => {
            let bound = |n| of(types, this.of?, "", n, Kind::Plain, false, depth);
            Some(match what {
                Kind::Low => "empty".to_owned(),
                _ => format!("[{},{})", quoted(&bound(10 * n + 1)?), quoted(&bound(10 * n + 5)?)),
            })
        }
        TypeKind::Multirange => match what {
            Kind::Low => Some("{}".to_owned()),
            _ => Some(format!("{{{}}}", of(types, this.of?, "", n, Kind::Plain, apart, depth)?)),
        },
        TypeKind::Base if this.array => {
            let element = |n| of(types, this.of?, written.trim_end_matches("[]"), n, Kind::Plain, apart, depth);
            Some(match what {
                Kind::Low => "{}".to_owned(),
                Kind::Plain => format!("{{{}}}", quoted(&element(n)?)),
                Kind::High => format!("{{{},NULL,{}}}", quoted(&element(n)?), quoted(&element(n + 1)?)),
            })
        }
        TypeKind::Base => base(this, written, n, what, apart),
        TypeKind::Pseudo => None,
    }
}

fn label(kind: &Type, n: u64, what: Kind) -> Option<&String> {
    match what {
        Kind::Low => kind.labels.first(),
        Kind::High => kind.labels.last(),
        Kind::Plain => kind.labels.get(usize::try_from(n).ok()? % kind.labels.len().max(1)),
    }
}

/// A field of a composite value.
fn field(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
}

/// An element of an array, or a bound of a range.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The numbers in the brackets of a type: `numeric(10,2)`.
pub(super) fn lengths(written: &str) -> Vec<usize> {
    let inner = written.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inner, _)| inner);
    inner.split(',').filter_map(|n| n.trim().parse().ok()).collect()
}

fn base(kind: &Type, written: &str, n: u64, what: Kind, apart: bool) -> Option<String> {
    let far = |offset: u64| (if apart { offset } else { 0 }) + n + 1;
    Some(match (kind.name.as_str(), what) {
        ("int2", Kind::Plain) => (if apart { 20_000 + n % 10_000 } else { n % 30_000 + 1 }).to_string(),
        ("int2", Kind::Low) => i16::MIN.to_string(),
        ("int2", Kind::High) => i16::MAX.to_string(),
        ("int4", Kind::Plain) => far(1_000_000).to_string(),
        ("int4", Kind::Low) => i32::MIN.to_string(),
        ("int4", Kind::High) => i32::MAX.to_string(),
        ("int8", Kind::Plain) => far(1_000_000).to_string(),
        ("int8", Kind::Low) => i64::MIN.to_string(),
        ("int8", Kind::High) => i64::MAX.to_string(),
        ("numeric", _) => numeric(written, far(if apart { 1_000_000 } else { 0 }), what),
        ("float4", Kind::Plain) | ("float8", Kind::Plain) => format!("{}.5", far(1_000_000)),
        ("float4", Kind::Low) => "-1.5e-7".to_owned(),
        ("float4", Kind::High) => "3.4028235e+38".to_owned(),
        ("float8", Kind::Low) => "-2.2250738585072014e-308".to_owned(),
        ("float8", Kind::High) => "1.7976931348623157e+308".to_owned(),
        ("money", Kind::Low) => "-92233720368547758.08".to_owned(),
        ("money", Kind::High) => "92233720368547758.07".to_owned(),
        ("money", Kind::Plain) => format!("{}.25", n + 1),
        ("bool", Kind::Plain) => n.is_multiple_of(2).to_string(),
        ("bool", _) => (what == Kind::High).to_string(),
        ("char", _) => char::from(b'a' + u8::try_from(n % 26).unwrap_or(0)).to_string(),
        ("name", _) => format!("name_{n}"),
        ("text" | "varchar" | "bpchar" | "citext", _) => text(written, n, what),
        ("bytea", Kind::Low) => "\\x".to_owned(),
        ("bytea", _) => format!("\\x00ff5c27{n:08x}"),
        ("date", Kind::Low) => "0001-01-01".to_owned(),
        ("date", Kind::High) => "9999-12-31".to_owned(),
        ("date", Kind::Plain) => day(n),
        ("timestamp" | "timestamptz", what) => {
            let zone = if kind.name == "timestamptz" { "+00" } else { "" };
            match what {
                Kind::Low => format!("0001-01-01 00:00:00{zone}"),
                Kind::High => format!("9999-12-31 23:59:59.999999{zone}"),
                Kind::Plain => format!("{} 12:34:56.789012{zone}", day(n)),
            }
        }
        ("time" | "timetz", what) => {
            let zone = if kind.name == "timetz" { "+05:30" } else { "" };
            match what {
                Kind::Low => format!("00:00:00{zone}"),
                Kind::High => format!("23:59:59.999999{zone}"),
                Kind::Plain => format!("{:02}:{:02}:56.789{zone}", n / 60 % 24, n % 60),
            }
        }
        ("interval", Kind::Low) => "-1 years -2 mons +3 days -04:05:06".to_owned(),
        ("interval", Kind::High) => "1000 years 11 mons 30 days 23:59:59.999999".to_owned(),
        ("interval", Kind::Plain) => format!("{} days 01:02:03", n + 1),
        ("uuid", _) => format!("00000000-0000-4000-8000-{:012x}", n + 0xda6_0000),
        ("json", Kind::Low) => "{}".to_owned(),
        ("json", _) => format!("{{\"n\": {n},  \"list\": [null, true, 1.50], \"n\": \"é\"}}"),
        ("jsonb", Kind::Low) => "{}".to_owned(),
        ("jsonb", _) => format!("{{\"n\": {n}, \"list\": [null, true, 1.50, {{}}], \"text\": \"é\"}}"),
        ("jsonpath", _) => format!("$.\"a\"[{n}]"),
        ("xml", _) => format!("<a n=\"{n}\">é</a>"),
        ("inet", Kind::High) => format!("2001:db8::{:x}", n + 1),
        ("inet", _) => format!("192.0.{}.{}", n / 250 % 256, n % 250 + 1),
        ("cidr", _) => format!("10.{}.{}.0/24", n / 256 % 256, n % 256),
        ("macaddr", _) => format!("08:00:2b:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
        ("macaddr8", _) => format!("08:00:2b:01:02:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
        ("bit", _) => {
            let length = lengths(written).first().copied().unwrap_or(1);
            let bits = format!("{n:0length$b}");
            bits[bits.len() - length..].to_owned()
        }
        ("varbit", Kind::Low) => String::new(),
        ("varbit", _) => {
            let bits = format!("1{n:b}");
            let most = lengths(written).first().copied().unwrap_or(bits.len()).min(bits.len());
            bits[bits.len() - most..].to_owned()
        }
        ("tsvector", _) => format!("'text':1A 'number{n}':2"),
        ("tsquery", _) => format!("'text' & 'number{n}'"),
        ("point", _) => format!("({n},1.5)"),
        ("line", _) => format!("{{1,-1,{n}}}"),
        ("lseg", _) => format!("[({n},0),({n},1.5)]"),
        ("box", _) => format!("({},{}),({},{})", 10 * n + 5, 1.5, 10 * n, 0),
        ("path", _) => format!("(({n},0),(1,1),(2,0))"),
        ("polygon", _) => format!("(({n},0),(1,1),(2,0))"),
        ("circle", _) => format!("<({},0),1.5>", 10 * n),
        ("pg_lsn", _) => format!("0/{:X}", n + 1),
        ("oid" | "xid" | "cid" | "xid8", _) => far(1_000_000).to_string(),
        ("tid", _) => format!("({n},1)"),
        ("oidvector" | "int2vector", _) => format!("1 {}", n % 30_000 + 2),
        ("txid_snapshot" | "pg_snapshot", _) => format!("{}:{}:", n + 10, n + 20),
        ("regclass", _) => "pg_catalog.pg_class".to_owned(),
        ("regtype", _) => "text".to_owned(),
        ("regrole", _) => "pg_monitor".to_owned(),
        ("regnamespace", _) => "pg_catalog".to_owned(),
        ("regproc", _) => "pg_catalog.now".to_owned(),
        ("regprocedure", _) => "pg_catalog.lower(text)".to_owned(),
        ("regoper" | "regoperator", _) => "pg_catalog.!~(text,text)".to_owned(),
        ("regconfig", _) => "pg_catalog.simple".to_owned(),
        ("regdictionary", _) => "pg_catalog.simple".to_owned(),
        ("regcollation", _) => "pg_catalog.\"C\"".to_owned(),
        ("refcursor", _) => format!("cursor_{n}"),
        ("hstore", Kind::Low) => String::new(),
        ("hstore", _) => format!("\"a\"=>\"{n}\", \"b\"=>NULL"),
        ("ltree", _) => format!("top.n{n}"),
        ("lquery", _) => format!("top.n{n}.*"),
        ("ltxtquery", _) => format!("top & n{n}"),
        ("geometry" | "geography", _) => format!("POINT({} 1)", n % 180),
        ("vector" | "halfvec", _) => {
            let length = lengths(written).first().copied().unwrap_or(3);
            format!("[{}{}]", n + 1, ",0.5".repeat(length.saturating_sub(1)))
        }
        ("cube", _) => format!("({n}, 1)"),
        ("seg", _) => format!("{n} .. {}", n + 1),
        ("isbn" | "isbn13", _) => "978-0-393-04002-9".to_owned(),
        ("semver", _) => format!("1.{n}.0"),
        _ if kind.category == 'S' => text(written, n, what),
        _ if kind.category == 'N' => far(1_000_000).to_string(),
        _ => return None,
    })
}

/// A day; the next number is some weeks later, and a year has some of them.
fn day(n: u64) -> String {
    format!("{}-{:02}-{:02}", 2001 + n / 12 % 900, n % 12 + 1, n % 28 + 1)
}

fn numeric(written: &str, n: u64, what: Kind) -> String {
    let lengths = lengths(written);
    let Some(digits) = lengths.first().copied() else {
        return match what {
            Kind::Plain => format!("{n}.50"),
            Kind::Low => "-12345678901234567890.1234567890".to_owned(),
            Kind::High => "99999999999999999999999999999999999999.000".to_owned(),
        };
    };
    let scale = lengths.get(1).copied().unwrap_or(0);
    let whole = digits.saturating_sub(scale);
    let with_scale = |whole: String, digit: &str| match scale {
        0 => whole,
        scale => format!("{whole}.{}", digit.repeat(scale)),
    };
    match what {
        Kind::Low if whole == 0 => with_scale("-0".to_owned(), "9"),
        Kind::Low => with_scale(format!("-{}", "9".repeat(whole)), "9"),
        Kind::High if whole == 0 => with_scale("0".to_owned(), "9"),
        Kind::High => with_scale("9".repeat(whole), "9"),
        Kind::Plain => {
            let most = 10u64.checked_pow(u32::try_from(whole).unwrap_or(18).min(18)).unwrap_or(1).max(1);
            with_scale((n % most).to_string(), "5")
        }
    }
}

fn text(written: &str, n: u64, what: Kind) -> String {
    let most = lengths(written).first().copied();
    let text = match what {
        Kind::Low => return String::new(),
        Kind::Plain => format!("text {n}"),
        Kind::High => format!("{n} Zoë's “naïve” 日本語 \\ \"quoted\" 👍 {}", "long ".repeat(40).trim_end()),
    };
    match most {
        Some(most) if text.chars().count() > most => short(n, most),
        _ => text,
    }
}

/// A text of at most this length that no other number has, as far as there is room.
fn short(n: u64, most: usize) -> String {
    const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
    let mut rest = n;
    let mut letters = Vec::new();
    while letters.len() < most {
        letters.push(char::from(LETTERS[usize::try_from(rest % 26).unwrap_or(0)]));
        rest /= 26;
        if rest == 0 {
            break;
        }
    }
    letters.iter().rev().collect()
}
