use super::*;
use proptest::prelude::*;

fn table() -> PriceTable {
    PriceTable::parse(
        r#"
        date = "2026-01-02"
        [[model]]
        match = ["north/large*"]
        input = "3"
        cached = "0.3"
        cache_write = "3.75"
        output = "15"
        [[model.above]]
        prompt = 200
        input = "6"
        cached = "0.6"
        cache_write = "7.5"
        output = "22.5"
        [[model]]
        match = ["north/large-mini", "north/large-mini-2*"]
        input = "0.1"
        output = "0.4"
        [[model]]
        match = ["own/*"]
        input = "0"
        output = "0"
        "#,
    )
    .unwrap()
}

fn usage(input: u64, cached: u64, cache_write: u64, output: u64) -> Usage {
    let [input, cached, cache_write, output] =
        [input, cached, cache_write, output].map(Tokens::new);
    Usage { input, cached, cache_write, output, reasoning: Tokens::ZERO }
}

#[track_caller]
fn check_price(model: &str, expected_input: Option<&str>) {
    let table = table();
    let found = table.get(&model.parse().unwrap()).map(|price| price.rates.input);
    assert_eq!(found, expected_input.map(|text| text.parse().unwrap()), "{model}");
}

#[test]
fn the_longest_match_counts() {
    check_price("north/large", Some("3"));
    check_price("north/large-2", Some("3"));
    check_price("north/large-mini", Some("0.1"));
    check_price("north/large-mini-2026-01-01", Some("0.1"));
    check_price("north/large-mini-x", Some("3"));
    check_price("own/any/thing", Some("0"));
    check_price("north/small", None);
    check_price("south/large", None);
}

#[track_caller]
fn check_cost(usage: &Usage, expected: &str) {
    let cost = table().cost(&"north/large".parse().unwrap(), usage).unwrap();
    assert_eq!(cost.to_string(), expected);
}

#[test]
fn every_kind_of_token_has_its_price() {
    check_cost(&usage(100, 0, 0, 10), "$0.00045");
    check_cost(&usage(100, 60, 0, 0), "$0.000138");
    check_cost(&usage(100, 60, 30, 0), "$0.0001605");
    check_cost(&usage(200, 0, 0, 0), "$0.0006");
    // One more token, and the whole request is a long one, its answer too.
    check_cost(&usage(201, 0, 0, 10), "$0.001431");
    check_cost(&usage(0, 0, 0, 0), "$0.00");
}

#[test]
fn the_users_own_price_comes_first() {
    let free = BTreeMap::from([("north/*".to_owned(), Price::default())]);
    let table = table().with(free).unwrap();
    assert_eq!(table.cost(&"north/large".parse().unwrap(), &usage(9, 0, 0, 9)), Some(Money::ZERO));
}

#[test]
fn what_names_no_model_is_refused() {
    for text in ["", "*", "north", "/x", "north/", "north/*x", "nor*/x"] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_shipped_table_is_whole() {
    let table = PriceTable::shipped().unwrap();
    assert_eq!(table.date().len(), "2026-11-20".len());
    for (place, (pattern, price)) in table.shipped.iter().enumerate() {
        let twin = table.shipped[..place].iter().any(|(other, _)| other == pattern);
        assert!(!twin, "{} stands twice", pattern.text);
        let rates =
            std::iter::once(&price.rates).chain(price.above.iter().map(|above| &above.rates));
        let mut before = Money::ZERO;
        for rates in rates {
            assert!(rates.output >= rates.input, "{}", pattern.text);
            assert!(rates.cached.is_none_or(|cached| cached <= rates.input), "{}", pattern.text);
            assert!(rates.cache_write.is_none_or(|write| write >= rates.input), "{}", pattern.text);
            assert!(rates.input >= before, "{}", pattern.text);
            before = rates.input;
        }
    }
}

proptest! {
    #[test]
    fn no_answer_costs_more_than_its_ceiling(
        prompt in 0_u64..1_000,
        cached in 0_u64..500,
        written in 0_u64..500,
        output in 0_u64..1_000,
    ) {
        let cached = cached.min(prompt);
        let written = written.min(prompt - cached);
        let table = table();
        let price = table.get(&"north/large".parse().unwrap()).unwrap();
        let ceiling = price.ceiling(Tokens::new(prompt));
        let most = ceiling.input.per_million(Tokens::new(prompt)) + ceiling.output.per_million(Tokens::new(output));
        prop_assert!(price.cost(&usage(prompt, cached, written, output)) <= most);
    }
}
