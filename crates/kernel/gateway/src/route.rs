//! From the name of a route to the models that are asked, in their order.

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_event::ModelFacts;
use bottega_llm::{Capabilities, ModelRef, Sampling};
use bottega_types::Tokens;

use crate::attempt::Patience;
use crate::options::{Options, Provider};
use crate::price::{Ceiling, Price};
use crate::step::Retries;

/// Models that stand in for each other, and how they are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The models, the preferred one first.
    pub models: Vec<ModelRef>,
    /// How often each is asked again.
    pub retries: Retries,
    /// How long each may be silent.
    pub patience: Patience,
    /// How long one call may take in all: queueing, attempts and pauses.
    pub deadline: Duration,
    /// The most tokens of one answer, where that is less than the models allow.
    pub max_output: Option<u32>,
    /// Replaces the request's sampling, value by value.
    pub sampling: Sampling,
}

impl Route {
    /// These models with the usual patience.
    #[must_use]
    pub fn new(models: Vec<ModelRef>) -> Self {
        Self {
            models,
            retries: Retries::default(),
            patience: Patience::default(),
            deadline: Duration::from_secs(1_800),
            max_output: None,
            sampling: Sampling::default(),
        }
    }
}

/// Why a name leads to no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// It is neither a route nor a model.
    #[error(
        "`{name}` is neither a route ({}) nor a model, which is written `PROVIDER/NAME`",
        list(known)
    )]
    Unknown {
        /// The name.
        name: String,
        /// The routes that there are.
        known: Vec<String>,
    },
    /// A model's provider is not there.
    #[error("there is no provider `{}` for the model `{model}`; there are: {}", model.provider, list(known))]
    NoProvider {
        /// The model.
        model: ModelRef,
        /// The providers that there are.
        known: Vec<String>,
    },
    /// A route names no model.
    #[error("the route `{0}` names no model; add one to `models.routes.{0}.models`")]
    Empty(String),
    /// A budget in money can't be kept, since nobody knows what a model costs.
    #[error(
        "what `{0}` costs is not known, so no budget in money can be kept; set \
         `models.prices.\"{0}\"` (`input` and `output`, in dollars per million tokens), or budget tokens only"
    )]
    Unpriced(ModelRef),
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// One model of a chain, with all that is needed to ask it.
#[derive(Clone, Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) by: ModelRef,
    pub(crate) provider: &'a Provider,
    pub(crate) capabilities: Capabilities,
    pub(crate) price: Option<&'a Price>,
}

impl Seat<'_> {
    /// The dearest that tokens can be for a prompt of at most so many tokens. Nothing where no price is known:
    /// that is refused before, when a budget depends on it.
    pub(crate) fn ceiling(&self, prompt: Tokens) -> Ceiling {
        self.price.map(|price| price.ceiling(prompt)).unwrap_or_default()
    }
}

/// What a name leads to.
pub(crate) struct Chain<'a> {
    pub(crate) route: Route,
    /// Never empty.
    pub(crate) seats: Vec<Seat<'a>>,
}

/// Finds the models behind a name: of a route, of a model, or (when empty) of the default.
pub(crate) fn resolve<'a>(options: &'a Options, name: &str) -> Result<Chain<'a>, RouteError> {
    let name = if name.is_empty() { options.default_route.as_str() } else { name };
    let route = match options.routes.get(name) {
        Some(route) => route.clone(),
        None => match name.parse() {
            Ok(model) => Route { models: vec![model], ..options.plain.clone() },
            Err(_) => {
                let known = options.routes.keys().cloned().collect();
                return Err(RouteError::Unknown { name: name.to_owned(), known });
            }
        },
    };
    if route.models.is_empty() {
        return Err(RouteError::Empty(name.to_owned()));
    }
    let seats = route.models.iter().map(|model| seat(options, model)).collect::<Result<_, _>>()?;
    Ok(Chain { route, seats })
}

fn seat<'a>(options: &'a Options, by: &ModelRef) -> Result<Seat<'a>, RouteError> {
    let Some(provider) = options.providers.get(&by.provider) else {
        let known = known_providers(&options.providers);
        return Err(RouteError::NoProvider { model: by.clone(), known });
    };
    let capabilities = provider.model.capabilities(&by.model);
    Ok(Seat { by: by.clone(), provider, capabilities, price: options.prices.get(by) })
}

fn known_providers(providers: &BTreeMap<String, Provider>) -> Vec<String> {
    providers.keys().cloned().collect()
}

/// How often a model is asked again whose answer broke off. Each such answer may have to be paid, so that another
/// model is worth more than patience.
const REPEATS: u32 = 1;

impl Chain<'_> {
    /// Lets the models come last that broke off too often.
    pub(crate) fn pass_over(&mut self, broken_off: &[ModelRef]) {
        let most = self.route.retries.most.min(REPEATS) as usize;
        let times = |seat: &Seat<'_>| broken_off.iter().filter(|by| **by == seat.by).count();
        self.seats.sort_by_key(|seat| times(seat).saturating_sub(most));
    }

    /// What an agent may rely on, whichever model answers.
    pub(crate) fn facts(&self, name: &str) -> ModelFacts {
        let all = || self.seats.iter().map(|seat| &seat.capabilities);
        let least = |each: fn(&Capabilities) -> Tokens| all().map(each).min().unwrap_or_default();
        let window = least(|can| can.context_window);
        let output = least(|can| can.max_output);
        let output =
            self.route.max_output.map_or(output, |most| output.min(Tokens::new(most.into())));
        let ceilings = self.seats.iter().map(|seat| seat.ceiling(window));
        let ceiling = ceilings.fold(Ceiling::default(), Ceiling::max);
        ModelFacts {
            route: name.to_owned(),
            context_window: window,
            max_output: output,
            small: all().next().is_some_and(|can| can.small),
            images: all().all(|can| can.images),
            fallbacks: self.seats.iter().any(|seat| seat.by != self.seats[0].by),
            input_price: ceiling.input,
            output_price: ceiling.output,
            unpriced: self.priced().is_err(),
        }
    }

    /// Whether every model's price is known.
    pub(crate) fn priced(&self) -> Result<(), RouteError> {
        match self.seats.iter().find(|seat| seat.price.is_none()) {
            Some(seat) => Err(RouteError::Unpriced(seat.by.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PriceTable;
    use bottega_testkit::ScriptedModel;
    use std::sync::Arc;

    fn options() -> Options {
        let can = |window: u64, output: u64, small: bool| Capabilities {
            context_window: Tokens::new(window),
            max_output: Tokens::new(output),
            native_schema: true,
            tools: true,
            images: small,
            documents: true,
            small,
        };
        let provider = |can| Provider::new(Arc::new(ScriptedModel::with_capabilities(can, [])));
        let providers = BTreeMap::from([
            ("north".to_owned(), provider(can(1_000, 100, false))),
            ("south".to_owned(), provider(can(500, 200, true))),
        ]);
        let models =
            |names: &[&str]| Route::new(names.iter().map(|n| n.parse().unwrap()).collect());
        let capped = Route { max_output: Some(50), ..models(&["south/b"]) };
        let prices = "date = \"d\"\n[[model]]\nmatch = [\"north/*\"]\ninput = \"3\"\ncache_write = \"4\"\n\
                      output = \"5\"\n[[model.above]]\nprompt = 600\ninput = \"9\"\noutput = \"9\"";
        Options {
            routes: BTreeMap::from([
                ("both".to_owned(), models(&["north/a", "south/b"])),
                ("none".to_owned(), models(&[])),
                ("lost".to_owned(), models(&["east/c"])),
                ("capped".to_owned(), capped),
            ]),
            prices: PriceTable::parse(prices).unwrap(),
            ..Options::new("both", providers)
        }
    }

    #[track_caller]
    fn check(name: &str, expected: Result<&str, &str>) {
        let options = options();
        let found = resolve(&options, name).map(|chain| {
            let names: Vec<_> = chain.seats.iter().map(|seat| seat.by.to_string()).collect();
            names.join(" ")
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn names_lead_to_models() {
        check("", Ok("north/a south/b"));
        check("both", Ok("north/a south/b"));
        check("north/x/y", Ok("north/x/y"));
        check("nobody", Err("neither a route (both, capped, lost, none) nor a model"));
        check("east/c", Err("no provider `east` for the model `east/c`; there are: north, south"));
        check("lost", Err("no provider `east`"));
        check("none", Err("names no model"));
    }

    #[test]
    fn facts_hold_for_every_model_of_the_chain() {
        let options = options();
        let facts = resolve(&options, "both").unwrap().facts("both");
        assert_eq!((facts.context_window.get(), facts.max_output.get()), (500, 100));
        assert_eq!((facts.small, facts.images, facts.fallbacks), (false, false, true));
        // The window is too small for the long-prompt price.
        assert_eq!(
            (facts.input_price.to_string(), facts.output_price.to_string()),
            ("$4.00".into(), "$5.00".into())
        );
        let alone = resolve(&options, "north/a").unwrap().facts("north/a");
        assert_eq!((alone.input_price.to_string().as_str(), alone.fallbacks), ("$9.00", false));
        assert_eq!(resolve(&options, "capped").unwrap().facts("capped").max_output.get(), 50);
    }

    #[test]
    fn who_breaks_off_twice_comes_last() {
        let options = options();
        for (broken_off, expected) in [
            ("", "north/a south/b"),
            ("north/a", "north/a south/b"),
            ("north/a north/a", "south/b north/a"),
            ("north/a north/a south/b", "south/b north/a"),
            ("north/a north/a south/b south/b", "north/a south/b"),
            ("north/a north/a south/b south/b north/a", "south/b north/a"),
            ("east/c east/c", "north/a south/b"),
        ] {
            let mut chain = resolve(&options, "both").unwrap();
            let broken: Vec<ModelRef> =
                broken_off.split_whitespace().map(|name| name.parse().unwrap()).collect();
            chain.pass_over(&broken);
            let order: Vec<_> = chain.seats.iter().map(|seat| seat.by.to_string()).collect();
            assert_eq!(order.join(" "), expected, "{broken_off}");
        }
    }

    #[test]
    fn a_price_that_is_missing_names_its_setting() {
        let options = options();
        assert_eq!(resolve(&options, "north/a").unwrap().priced(), Ok(()));
        let error = resolve(&options, "both").unwrap().priced().unwrap_err().to_string();
        assert!(error.contains("`models.prices.\"south/b\"`"), "{error}");
    }
}
