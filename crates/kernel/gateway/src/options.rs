//! What a gateway is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bottega_llm::ChatModel;

use crate::price::PriceTable;
use crate::route::Route;
use crate::spending::Budgets;

/// What a gateway is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Routes by name.
    pub routes: BTreeMap<String, Route>,
    /// The route or model that is meant when none is named.
    pub default_route: String,
    /// How a model is asked that is named without a route. Its models are ignored.
    pub plain: Route,
    /// Providers by the name that stands before the slash of a model.
    pub providers: BTreeMap<String, Provider>,
    /// What models cost.
    pub prices: PriceTable,
    /// Budgets that several sessions and processes share.
    pub budgets: Budgets,
}

impl Options {
    /// These providers, without routes, prices and budgets.
    #[must_use]
    pub fn new(default_route: impl Into<String>, providers: BTreeMap<String, Provider>) -> Self {
        Self {
            routes: BTreeMap::new(),
            default_route: default_route.into(),
            plain: Route::new(Vec::new()),
            providers,
            prices: PriceTable::default(),
            budgets: Budgets::default(),
        }
    }
}

/// One provider and what it allows.
#[derive(Clone)]
pub struct Provider {
    /// The adapter.
    pub model: Arc<dyn ChatModel>,
    /// Calls at the same time; more wait in the order in which they came. None counts as one.
    pub max_concurrency: usize,
    /// Requests in any sixty seconds; unlimited when absent.
    pub requests_per_minute: Option<u32>,
}

impl Provider {
    /// The adapter with sixteen calls at the same time, as often as they come.
    #[must_use]
    pub fn new(model: Arc<dyn ChatModel>) -> Self {
        Self { model, max_concurrency: 16, requests_per_minute: None }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("max_concurrency", &self.max_concurrency)
            .field("requests_per_minute", &self.requests_per_minute)
            .finish_non_exhaustive()
    }
}
