//! The process: memory and open files, by the names that every client of Prometheus uses. Asked when somebody scrapes.

use super::labels::seconds;
use crate::base::file::read_text;
use crate::ops::now;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::path::Path;

/// The most that the system says of a process.
const LARGEST: u64 = 64 << 10;

#[derive(Debug)]
struct Process {
    started: f64,
}

pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Process { started: seconds(now()) }));
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let started = ConstGauge::new(self.started);
        let metric = encoder.encode_descriptor(
            "process_start_time",
            "When the process was started.",
            Some(&Unit::Seconds),
            started.metric_type(),
        )?;
        started.encode(metric)?;
        if let Some(bytes) = resident() {
            let resident = ConstGauge::new(bytes);
            let metric = encoder.encode_descriptor(
                "process_resident_memory",
                "The memory of the process.",
                Some(&Unit::Bytes),
                resident.metric_type(),
            )?;
            resident.encode(metric)?;
        }
        if let Some(number) = open_files() {
            let files = ConstGauge::new(number);
            let metric = encoder.encode_descriptor("process_open_fds", "The open files.", None, files.metric_type())?;
            files.encode(metric)?;
        }
        Ok(())
    }
}

/// Only Linux says it so.
fn resident() -> Option<i64> {
    let status = read_text(Path::new("/proc/self/status"), LARGEST).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn open_files() -> Option<i64> {
    // the one that looks is open too
    let number = std::fs::read_dir("/proc/self/fd").ok()?.count();
    i64::try_from(number).ok().map(|number| number - 1)
}
