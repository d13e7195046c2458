//! Promises of [`Leases`].

use crate::{Lease, Leases};

fn alone(leases: &dyn Leases, name: &str) -> Option<Lease> {
    leases.lease(name).expect("a healthy store gives leases")
}

fn shared(leases: &dyn Leases, name: &str) -> Option<Lease> {
    leases.share(name).expect("a healthy store gives leases")
}

/// While a lease lives nobody gets another of its name.
pub async fn a_lease_has_one_holder_until_it_is_dropped(leases: &dyn Leases) {
    let first = alone(leases, "a");
    assert!(first.is_some());
    assert!(alone(leases, "a").is_none() && shared(leases, "a").is_none());
    assert!(alone(leases, "b").is_some());
    drop(first);
    assert!(alone(leases, "a").is_some());
}

/// Shares live beside each other, and nobody holds the lease alone before the last of them is gone.
pub async fn a_shared_lease_keeps_others_from_holding_it_alone(leases: &dyn Leases) {
    let (first, second) = (shared(leases, "a"), shared(leases, "a"));
    assert!(first.is_some() && second.is_some());
    assert!(alone(leases, "a").is_none());
    drop(first);
    assert!(alone(leases, "a").is_none());
    let third = shared(leases, "a");
    assert!(third.is_some());
    drop((second, third));
    assert!(alone(leases, "a").is_some());
}
