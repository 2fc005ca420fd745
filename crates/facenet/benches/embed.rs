//! Images a second through the frozen networks, by batch and threads.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use facenet::network::{self, Graph};
use facenet::{FrozenNetwork, Model, Tensor, Weights, node_tensors};
use facenet_core::Preprocessing;
use rayon::ThreadPoolBuilder;

/// Weights of the right shapes; the time does not depend on their values.
fn model(name: &str) -> Model {
    let table = network::table(name).expect("the network is known");
    let graph = Graph::of(&table, 128);
    let mut tensors = BTreeMap::new();
    for (name, shape) in graph.nodes().iter().flat_map(|node| node_tensors(&graph, node)) {
        let len = shape.iter().product();
        let value = |i: usize| if name.ends_with("variance") { 1.0 } else { (i as f32 * 0.7).sin() * 0.05 };
        let values = (0..len).map(value).collect();
        tensors.insert(name, Tensor { shape, values });
    }
    let preprocessing = Preprocessing { version: 1, edge_px: table.input_edge() as u32, field: 0.875 };
    let weights = Weights::new(tensors, &graph).expect("the weights are the network's");
    Model::new(name, 128, preprocessing, Vec::new(), weights)
}

fn embed(criterion: &mut Criterion) {
    for name in network::NAMES {
        let model = model(name);
        let frozen = FrozenNetwork::new(&model);
        let len = Graph::of(&network::table(name).expect("the network is known"), 128).input().len();
        let mut group = criterion.benchmark_group(format!("embed/{name}"));
        group.sample_size(20);
        for threads in [1, 2] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            for batch in [1usize, 32] {
                let images = vec![0.3; batch * len];
                group.throughput(Throughput::Elements(batch as u64));
                let id = BenchmarkId::new(format!("{threads} threads"), format!("batch {batch}"));
                group.bench_function(id, |bencher| {
                    pool.install(|| bencher.iter(|| frozen.forward(black_box(&images))));
                });
            }
        }
    }
}

criterion_group!(benches, embed);
criterion_main!(benches);
