//! Metrics as Prometheus reads them, and the rules of `promtool check metrics`.

use std::collections::{BTreeMap, BTreeSet};

/// A scrape.
pub struct Exposition {
    families: BTreeMap<String, Family>,
    samples: Vec<Sample>,
}

#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    unit: String,
}

struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Exposition {
    /// Reads a scrape and checks it by the rules.
    #[track_caller]
    pub fn read(text: &str) -> Self {
        let mut this = Self { families: BTreeMap::new(), samples: Vec::new() };
        let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("no end: {text}"));
        let (mut current, mut series) = (String::new(), BTreeSet::new());
        for line in body.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                let mut words = about.splitn(3, ' ');
                let (key, name, rest) =
                    (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
                if name != current {
                    assert!(!this.families.contains_key(name), "{name} comes twice");
                    current = name.to_owned();
                }
                let family = this.families.entry(current.clone()).or_default();
                let place = match key {
                    "HELP" => &mut family.help,
                    "TYPE" => &mut family.kind,
                    "UNIT" => &mut family.unit,
                    _ => panic!("{line}"),
                };
                assert!(place.is_empty(), "{line} comes twice");
                rest.clone_into(place);
                continue;
            }
            let sample = Sample::read(line);
            assert!(series.insert(format!("{} {:?}", sample.name, sample.labels)), "{line} comes twice");
            let suffix = sample.name.strip_prefix(&current).unwrap_or_else(|| panic!("{line} is not of {current}"));
            let family = &this.families[&current];
            let fits = match family.kind.as_str() {
                "counter" => suffix == "_total",
                "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
                "info" => suffix == "_info",
                "gauge" => suffix.is_empty(),
                other => panic!("{current} is a {other}"),
            };
            assert!(fits, "{line} of a {}", family.kind);
            assert_eq!(sample.labels.contains_key("le"), suffix == "_bucket", "{line}");
            assert!(sample.value >= 0.0, "{line}");
            this.samples.push(sample);
        }
        this.families.iter().for_each(|(name, family)| family.check(name));
        this.check_histograms();
        this
    }

    /// Each has cumulative buckets, the last of which is its count.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in self.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
            let mut labels = sample.labels.clone();
            let le = labels.remove("le").unwrap();
            let le = if le == "+Inf" { f64::INFINITY } else { le.parse().unwrap() };
            let name = sample.name.replace("_bucket", "_count");
            buckets.entry(format!("{name} {labels:?}")).or_default().push((le, sample.value));
        }
        for (key, buckets) in buckets {
            assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{key}: {buckets:?}");
            let count = self.samples.iter().find(|sample| format!("{} {:?}", sample.name, sample.labels) == key);
            assert_eq!(buckets.last().unwrap(), &(f64::INFINITY, count.unwrap().value), "{key}");
        }
    }

    /// The names of all families.
    pub fn names(&self) -> BTreeSet<String> {
        self.families.keys().cloned().collect()
    }

    /// The sum of the series that have these labels, `environment=dev,state=pending`; `None`: there is none.
    pub fn value(&self, name: &str, labels: &str) -> Option<f64> {
        let wanted: Vec<(&str, &str)> = labels.split(',').filter_map(|one| one.split_once('=')).collect();
        let has = |sample: &&Sample| wanted.iter().all(|(k, v)| sample.labels.get(*k).is_some_and(|own| own == v));
        let mut fitting = self.samples.iter().filter(|sample| sample.name == name).filter(has).peekable();
        fitting.peek()?;
        Some(fitting.map(|sample| sample.value).sum())
    }

    /// The values of a label, wherever it is.
    pub fn values(&self, label: &str) -> BTreeSet<String> {
        self.samples.iter().filter_map(|sample| sample.labels.get(label).cloned()).collect()
    }
}

impl Family {
    fn check(&self, name: &str) {
        let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(is_plain && (name.starts_with("dagmar_") || name.starts_with("process_")), "{name}");
        assert!(self.help.len() > 10 && self.help.ends_with('.'), "{name}: {}", self.help);
        assert!(!self.kind.is_empty(), "{name} has no type");
        if !self.unit.is_empty() {
            assert!(["seconds", "bytes"].contains(&self.unit.as_str()), "{name}: {}", self.unit);
            assert!(name.ends_with(&format!("_{}", self.unit)), "{name}: {}", self.unit);
        }
        let has_unit = name.ends_with("_seconds") || name.ends_with("_bytes");
        assert_eq!(has_unit, !self.unit.is_empty(), "{name}");
        for odd in ["_total", "_count", "_sum", "_bucket", "_info", "_ms", "_milliseconds", "_minutes", "_mb", "_ratio"]
        {
            assert!(!name.ends_with(odd), "{name}");
        }
        for kind in ["counter", "gauge", "histogram", "summary"] {
            assert!(!name.contains(kind), "{name}");
        }
    }
}

impl Sample {
    #[track_caller]
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').unwrap();
        let mut all = BTreeMap::new();
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
            assert!(all.insert(key.to_owned(), value.trim_end_matches('"').to_owned()).is_none(), "{line}");
        }
        Self { name: name.to_owned(), labels: all, value: value.parse().unwrap_or_else(|_| panic!("{line}")) }
    }
}
