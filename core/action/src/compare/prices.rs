//! The table of prices, and what an app's sizes cost by it.

use std::collections::BTreeMap;

use rhumb_backend::{Billed, Running};
use rhumb_spec::{Diagnostic, yaml};
use serde::{Deserialize, Serialize};

/// The table that this program was built with.
const BUILT_IN: &str = include_str!("../../data/prices.json");

/// Hours of a month, as the providers' own calculators count them: a twelfth of a year.
const HOURS: f64 = 730.0;

/// Bytes of a GiB.
#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
const GIB: f64 = (1_u64 << 30) as f64;

/// A table of prices of one day and region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// The day or month of which they are: `2026-06`.
    pub date: String,
    /// The region where they hold.
    pub region: String,
    /// The currency: `USD`.
    pub currency: String,
    /// Where they were read.
    #[serde(default)]
    pub sources: Vec<PriceSource>,
    /// Rates by the platform's name (see [`rhumb_backend::Backend::variant`]).
    pub platforms: BTreeMap<String, PlatformPrices>,
}

/// Where a price was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceSource {
    /// What stands there.
    pub what: String,
    /// Its address.
    pub url: String,
}

/// What one platform charges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlatformPrices {
    /// What is charged for: `AWS Fargate, on demand`.
    pub name: String,
    /// Rates by operating system and processor: `linux/amd64`.
    pub rates: BTreeMap<String, Rate>,
    /// The rate of a replica's disk.
    pub disk: DiskRate,
}

/// What processor time and memory cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// One processor for an hour.
    pub cpu_hour: f64,
    /// One GiB of memory for an hour.
    pub gib_hour: f64,
}

/// What a replica's disk costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskRate {
    /// One GiB for an hour.
    pub gib_hour: f64,
    /// So many GiB of each replica cost nothing.
    pub free_gib: f64,
}

/// What an app costs on a platform.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// What is charged for: `AWS Fargate, on demand`.
    pub name: String,
    /// The day or month of which the prices are.
    pub date: String,
    /// The region of the prices.
    pub region: String,
    /// Their currency.
    pub currency: String,
    /// Where the prices were read.
    pub sources: Vec<PriceSource>,
    /// What each workload costs.
    pub lines: Vec<CostLine>,
    /// All workloads that run always, in a month of 730 hours, with the fewest replicas.
    pub month: f64,
    /// The same with the most replicas.
    pub month_at_most: f64,
}

/// What one workload costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostLine {
    /// Its size, and how many there are.
    #[serde(flatten)]
    pub billed: Billed,
    /// One replica in an hour; none where the table has no rate for its operating system and processor.
    pub hour: Option<f64>,
    /// All replicas in a month of 730 hours, the fewest; none for what runs to its end.
    pub month: Option<f64>,
    /// The same with the most replicas.
    pub month_at_most: Option<f64>,
}

impl Prices {
    /// Those that this program was built with.
    pub fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).unwrap_or_default()
    }

    /// Reads a table in YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place in `file`.
    pub fn read(text: &str, file: &str) -> Result<Self, Vec<Diagnostic>> {
        let (prices, found) = yaml::from_str_typed::<Self>(text, file);
        let Some(prices) = prices.filter(|_| found.is_empty()) else { return Err(found) };
        let wrong = prices.wrong();
        if wrong.is_empty() { Ok(prices) } else { Err(wrong) }
    }

    fn wrong(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (name, platform) in &self.platforms {
            let mut rates = vec![platform.disk.gib_hour, platform.disk.free_gib];
            rates.extend(platform.rates.values().flat_map(|rate| [rate.cpu_hour, rate.gib_hour]));
            if rates.iter().any(|rate| !rate.is_finite() || *rate < 0.0) {
                found.push(Diagnostic::error(
                    format!("platforms.{name}"),
                    "a price is not a number from 0 on",
                ));
            }
        }
        found
    }

    /// What these sizes cost on a platform; none where it charges nothing by size, or is not in the table.
    pub(super) fn cost(&self, variant: &str, billed: Vec<Billed>) -> Option<Cost> {
        let platform = self.platforms.get(variant).filter(|_| !billed.is_empty())?;
        let lines: Vec<CostLine> = billed.into_iter().map(|billed| platform.line(billed)).collect();
        let sum = |of: fn(&CostLine) -> Option<f64>| rounded(lines.iter().filter_map(of).sum());
        Some(Cost {
            name: platform.name.clone(),
            date: self.date.clone(),
            region: self.region.clone(),
            currency: self.currency.clone(),
            sources: self.sources.clone(),
            month: sum(|line| line.month),
            month_at_most: sum(|line| line.month_at_most),
            lines,
        })
    }
}

impl PlatformPrices {
    fn line(&self, billed: Billed) -> CostLine {
        let hour = self.rates.get(&billed.architecture).map(|rate| self.hour(&billed, *rate));
        let month = |count: u32| hour.map(|hour| rounded(hour * HOURS * f64::from(count)));
        let (month, month_at_most) = match billed.running {
            Running::Always { fewest, most } => (month(fewest), month(most)),
            Running::Runs { .. } => (None, None),
        };
        CostLine { billed, hour: hour.map(rounded), month, month_at_most }
    }

    #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
    fn hour(&self, billed: &Billed, rate: Rate) -> f64 {
        let gib = |bytes: u64| bytes as f64 / GIB;
        let disk = (gib(billed.disk.0) - self.disk.free_gib).max(0.0);
        billed.cpu.as_cpus() * rate.cpu_hour
            + gib(billed.memory.0) * rate.gib_hour
            + disk * self.disk.gib_hour
    }
}

/// To a millionth, so that sums are told without the noise of binary fractions.
fn rounded(amount: f64) -> f64 {
    (amount * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_spec::{Bytes, MilliCpu};

    fn billed(architecture: &str, disk: u64, running: Running) -> Billed {
        Billed {
            workload: "web".to_owned(),
            cpu: MilliCpu(1000),
            memory: Bytes(2 << 30),
            disk: Bytes(disk << 30),
            architecture: architecture.to_owned(),
            running,
        }
    }

    fn cost(billed: Billed) -> Cost {
        Prices::read(BUILT_IN, "prices.json").unwrap().cost("ecs", vec![billed]).unwrap()
    }

    #[test]
    fn a_service_costs_its_replicas_for_730_hours() {
        let cost = cost(billed("linux/amd64", 20, Running::Always { fewest: 2, most: 4 }));
        // 0.04048 + 2 × 0.004445.
        assert_eq!(cost.lines[0].hour, Some(0.04937));
        assert_eq!((cost.month, cost.month_at_most), (72.0802, 144.1604));
    }

    #[test]
    fn only_disk_above_what_is_free_costs() {
        let cost = cost(billed("linux/arm64", 120, Running::Always { fewest: 1, most: 1 }));
        // 0.03238 + 2 × 0.00356 + 100 × 0.000111.
        assert_eq!(cost.lines[0].hour, Some(0.0506));
    }

    #[test]
    fn a_job_costs_by_the_hour_only() {
        let cost = cost(billed("linux/amd64", 20, Running::Runs { each: 3 }));
        assert_eq!((cost.lines[0].hour, cost.lines[0].month), (Some(0.04937), None));
        assert!(cost.month.abs() < 1e-9);
    }

    #[test]
    fn what_the_table_lacks_is_not_guessed() {
        let cost = cost(billed("windows/amd64", 20, Running::Always { fewest: 1, most: 1 }));
        assert_eq!(cost.lines[0].hour, None);
        let always = billed("linux/amd64", 20, Running::Always { fewest: 1, most: 1 });
        assert_eq!(Prices::built_in().cost("swarm", vec![always]), None);
    }

    #[test]
    fn a_table_that_is_wrong_is_refused() {
        for text in
            ["{", "date: a", &BUILT_IN.replace("0.000111", "-1"), &BUILT_IN.replace("\"disk\"", "\"dsk\"")]
        {
            assert!(Prices::read(text, "prices.json").is_err(), "{text}");
        }
    }
}
