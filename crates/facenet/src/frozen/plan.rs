//! Where each value of a graph lies in memory.

use crate::network::{Graph, Layer};

/// The place of a value: a slot, and where in it, both in values per image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) slot: usize,
    pub(super) offset: usize,
}

/// Slots that values share when their lives do not overlap.
#[derive(Debug)]
pub(super) struct Plan {
    /// By value: 0 is the image, `i + 1` the output of node `i`.
    homes: Vec<Home>,
    /// The length of each slot for one image.
    slots: Vec<usize>,
}

/// What is put into one slot at a time: a value, or a concatenation with all its inputs.
#[derive(Debug, Clone, Copy)]
struct Tenant {
    len: usize,
    /// The node before which it is first written and after which it is last read.
    first: usize,
    last: usize,
}

impl Plan {
    pub(super) fn of(graph: &Graph) -> Self {
        let (landlords, offsets) = concatenations(graph);
        let tenants = tenants(graph, &landlords);
        let mut slots: Vec<usize> = Vec::new();
        let mut free_after: Vec<usize> = Vec::new();
        let mut slot_of = vec![usize::MAX; landlords.len()];

        let mut order: Vec<usize> = (0..landlords.len()).filter(|&v| landlords[v] == v).collect();
        order.sort_by_key(|&value| tenants[value].first);
        for value in order {
            let Tenant { len, first, last } = tenants[value];
            // Of the free slots the one that has to grow least, else waste least.
            let best = (0..slots.len())
                .filter(|&slot| free_after[slot] < first)
                .min_by_key(|&slot| (len.saturating_sub(slots[slot]), slots[slot].saturating_sub(len)));
            let slot = best.unwrap_or_else(|| {
                slots.push(0);
                free_after.push(0);
                slots.len() - 1
            });
            slots[slot] = slots[slot].max(len);
            free_after[slot] = last;
            slot_of[value] = slot;
        }
        let homes = (0..landlords.len())
            .map(|value| Home { slot: slot_of[landlords[value]], offset: offsets[value] })
            .collect();
        Self { homes, slots }
    }

    pub(super) fn home(&self, value: usize) -> Home {
        self.homes[value]
    }

    pub(super) fn slots(&self) -> &[usize] {
        &self.slots
    }
}

fn len(graph: &Graph, value: usize) -> usize {
    graph.shape(value).len()
}

/// For each value the value in whose place it lies, itself unless a concatenation takes it, and where there.
fn concatenations(graph: &Graph) -> (Vec<usize>, Vec<usize>) {
    let values = graph.nodes().len() + 1;
    let mut landlords: Vec<usize> = (0..values).collect();
    let mut offsets = vec![0; values];
    for (index, node) in graph.nodes().iter().enumerate().filter(|(_, node)| node.layer == Layer::Concat) {
        let mut offset = 0;
        for &input in &node.inputs {
            landlords[input] = index + 1;
            offsets[input] = offset;
            offset += len(graph, input);
        }
    }
    // A concatenation may itself be a part of one; a landlord is always a later value than its tenants.
    for value in (0..values).rev() {
        let landlord = landlords[value];
        if landlord != value {
            offsets[value] += offsets[landlord];
            landlords[value] = landlords[landlord];
        }
    }
    (landlords, offsets)
}

fn tenants(graph: &Graph, landlords: &[usize]) -> Vec<Tenant> {
    let end = graph.nodes().len();
    let mut tenants: Vec<Tenant> =
        (0..=end).map(|value| Tenant { len: len(graph, value), first: usize::MAX, last: 0 }).collect();
    let mut touch = |value: usize, at: usize| {
        let tenant: &mut Tenant = &mut tenants[landlords[value]];
        tenant.first = tenant.first.min(at);
        tenant.last = tenant.last.max(at);
    };
    // The image is written before node 1, counted from 1; the outputs are read after the end.
    touch(0, 0);
    for (index, node) in graph.nodes().iter().enumerate() {
        touch(index + 1, index + 1);
        node.inputs.iter().for_each(|&input| touch(input, index + 1));
    }
    graph.outputs().iter().for_each(|&output| touch(output, end + 1));
    tenants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network;

    #[test]
    fn no_value_is_overwritten_while_it_is_needed() {
        for name in network::NAMES {
            let graph = Graph::of(&network::table(name).unwrap(), 128);
            let plan = Plan::of(&graph);
            // Mark each place with the value written to it, and look for the mark whenever it is read.
            let mut marks: Vec<Vec<usize>> = plan.slots().iter().map(|len| vec![usize::MAX; *len]).collect();
            let place = |value: usize| {
                let Home { slot, offset } = plan.home(value);
                (slot, offset..offset + len(&graph, value))
            };
            let write = |marks: &mut Vec<Vec<usize>>, value: usize| {
                let (slot, range) = place(value);
                marks[slot][range].fill(value);
            };
            write(&mut marks, 0);
            for (index, node) in graph.nodes().iter().enumerate() {
                for &input in &node.inputs {
                    let (slot, range) = place(input);
                    assert!(marks[slot][range].iter().all(|mark| *mark == input), "{name}: {}", node.name);
                    assert!(node.layer == Layer::Concat || slot != plan.home(index + 1).slot, "{name}");
                }
                write(&mut marks, index + 1);
            }
        }
    }

    #[test]
    fn memory_is_shared() {
        let graph = Graph::of(&network::table("nn4").unwrap(), 128);
        let all: usize = (0..=graph.nodes().len()).map(|value| len(&graph, value)).sum();
        let planned: usize = Plan::of(&graph).slots().iter().sum();
        assert!(planned * 3 < all, "{planned} of {all} values");
    }
}
