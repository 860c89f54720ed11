//! Load, render, parse, verify, check and lower, for charts of growing size.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rhumb_action::{ChartInputs, FactsFrom, TemplateRequest, template};
use rhumb_backend::{Backend, Scope};
use rhumb_integration::workloads::chart_of;
use rhumb_memory::MemoryBackend;
use rhumb_swarm::{Environment, Settings, Swarm};

fn road(criterion: &mut Criterion) {
    let settings = Settings { host: Some("unix:///nowhere".to_owned()), ..Settings::default() };
    let swarm = Swarm::new(settings, Environment::default()).expect("nothing is asked of the engine");
    let memory = MemoryBackend::in_memory();
    measure(criterion, &swarm);
    measure(criterion, &memory);
}

fn measure(criterion: &mut Criterion, backend: &dyn Backend) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group(format!("render_check_lower/{}", backend.name()));
    group.sample_size(10);
    for count in [10, 100, 1_000, 5_000] {
        let chart = chart_of(count);
        let request = TemplateRequest {
            name: "bench".to_owned(),
            namespace: Scope::DEFAULT_NAMESPACE.to_owned(),
            inputs: ChartInputs { chart: chart.path().to_path_buf(), ..ChartInputs::default() },
            is_upgrade: false,
            facts: FactsFrom::Defaults,
        };
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_with_input(BenchmarkId::from_parameter(count), &request, |bencher, request| {
            bencher.iter(|| runtime.block_on(template(backend, request)).expect("the chart is right"));
        });
    }
    group.finish();
}

criterion_group!(benches, road);
criterion_main!(benches);
