//! A directory told as text: who registers, who looks for whom, and what is answered.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::sample;

/// Plays commands, one a line, and holds the answers against what is expected. `at` moves the clock.
#[track_caller]
fn check(commands: &str, expected: &str) {
    let (mut directory, mut now, mut told) = (Directory::default(), 0, String::new());
    for line in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let at = Timestamp::from_millis(now);
        let decided = match verb {
            "at" => {
                now = rest.parse().unwrap();
                continue;
            }
            "register" => directory.register(serde_json::from_str(rest).unwrap(), at),
            "modify" => directory.modify(serde_json::from_str(rest).unwrap(), at),
            "deregister" => directory.deregister(&rest.parse().unwrap(), at),
            "expire" => {
                for agent in directory.expire(at) {
                    let _ = write!(told, "{agent} ");
                    directory.evolve(&DirectoryChange::Deregistered(agent));
                }
                let _ = writeln!(told, "expired, {} left", directory.len());
                continue;
            }
            "first" | "find" => {
                let max_results = (verb == "first").then_some(1);
                let template: Template = serde_json::from_str(rest).unwrap();
                let found = directory.search(&template, SearchConstraints { max_results }, at);
                let names: Vec<&str> = found.iter().map(|e| e.agent.name().local()).collect();
                let _ = writeln!(told, "{}", format!("found: {}", names.join(" ")).trim());
                continue;
            }
            _ => panic!("{line}"),
        };
        let _ = match decided {
            Ok(change) => {
                directory.evolve(&change);
                writeln!(told, "{}", serde_json::to_string(&change).unwrap())
            }
            Err(refusal) => writeln!(told, "{}: {refusal}", refusal.reason()),
        };
    }
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn who_is_listed_says_so_once() {
    check(
        r#"modify {"agent":"ann@p"}
           register {"agent":"ann@p","services":[{"name":"tea","type":"kitchen"}]}
           register {"agent":"ann@p"}
           modify {"agent":{"name":"ann@p","addresses":["http://hall.example"]},"languages":["fipa-sl"]}
           find {"services":[{"type":"kitchen"}]}
           find {"languages":["fipa-sl"]}
           deregister ann@p
           deregister ann@p
           find {}"#,
        r#"not-registered: ann@p is not registered
           {"registered":{"agent":"ann@p","services":[{"name":"tea","type":"kitchen"}]}}
           already-registered: ann@p is registered already; modify or deregister it
           {"modified":{"agent":{"addresses":["http://hall.example"],"name":"ann@p"},"languages":["fipa-sl"]}}
           found:
           found: ann
           {"deregistered":"ann@p"}
           not-registered: ann@p is not registered
           found:"#,
    );
}

#[test]
fn a_lease_that_is_over_is_never_found() {
    check(
        r#"register {"agent":"b@p","lease":10}
           register {"agent":"a@p","lease":20}
           register {"agent":"c@p"}
           find {"lease":15}
           first {}
           at 10
           find {}
           expire
           modify {"agent":"b@p"}
           at 20
           deregister a@p
           register {"agent":"a@p","lease":20}
           register {"agent":"a@p","lease":30}
           expire
           at 1000
           expire
           find {}"#,
        r#"{"registered":{"agent":"b@p","lease":10}}
           {"registered":{"agent":"a@p","lease":20}}
           {"registered":{"agent":"c@p"}}
           found: a c
           found: a
           found: a c
           b@p expired, 2 left
           not-registered: b@p is not registered
           not-registered: a@p is not registered
           unrecognised-parameter-value: the lease of a@p is over since 1970-01-01T00:00:00.020Z; it is 1970-01-01T00:00:00.020Z
           {"registered":{"agent":"a@p","lease":30}}
           expired, 2 left
           a@p expired, 1 left
           found: c"#,
    );
}

#[test]
fn every_parameter_of_the_template_must_be_matched() {
    let ann = r#"register {"agent":{"name":"ann@p","addresses":["x:1","x:2"],"resolvers":["ams@p"],"X-a":"b"},"protocols":["q","r"],"ontologies":["iron"],"services":[{"name":"en","type":"translate","languages":["l","m"],"ownership":"us","properties":{"to":["fr","de"],"price":3}},{"name":"scan","type":"ocr","protocols":["q"],"ontologies":["o"]}]}"#;
    let found = |templates: &[&str], expected: &str| {
        for template in templates {
            let mut directory = Directory::default();
            let entry = serde_json::from_str(ann.trim_start_matches("register ")).unwrap();
            directory.evolve(&DirectoryChange::Registered(entry));
            let template: Template = serde_json::from_str(template).unwrap();
            let found = directory.search(
                &template,
                SearchConstraints::default(),
                Timestamp::from_millis(0),
            );
            let found = if found.is_empty() { "nobody" } else { "ann" };
            assert_eq!(found, expected, "{template:?}");
        }
    };
    found(
        &[
            r#"{}"#,
            r#"{"agent":"ann@p"}"#,
            r#"{"agent":{"name":"ann@p","addresses":["x:2"],"resolvers":["ams@p"],"X-A":"b"}}"#,
            r#"{"protocols":["r"],"ontologies":["iron"]}"#,
            r#"{"services":[{}]}"#,
            r#"{"services":[{"type":"ocr"},{"type":"translate"},{"name":"en"}]}"#,
            r#"{"services":[{"languages":["m"],"ownership":"us","properties":{"to":["de"]}}]}"#,
            r#"{"services":[{"properties":{"to":[],"price":3}}]}"#,
            r#"{"services":[{"name":"scan","protocols":["q"],"ontologies":["o"]}]}"#,
        ],
        "ann",
    );
    found(
        &[
            r#"{"agent":"bob@p"}"#,
            r#"{"agent":{"name":"ann@p","addresses":["x:2","x:1"]}}"#,
            r#"{"agent":{"name":"ann@p","resolvers":["df@p"]}}"#,
            r#"{"agent":{"name":"ann@p","X-a":"c"}}"#,
            r#"{"protocols":["q","s"]}"#,
            r#"{"languages":["l"]}"#,
            // Both are there, but with no one service.
            r#"{"services":[{"name":"en","type":"ocr"}]}"#,
            r#"{"services":[{"type":"ocr"},{"type":"sing"}]}"#,
            r#"{"services":[{"ownership":"them"}]}"#,
            r#"{"services":[{"properties":{"to":["fr","it"]}}]}"#,
            r#"{"services":[{"properties":{"to":"fr"}}]}"#,
            r#"{"services":[{"properties":{"price":4}}]}"#,
        ],
        "nobody",
    );
}

#[test]
fn bounds_and_unknown_fields_are_refused_with_the_reason() {
    let refused =
        |text: &str| serde_json::from_str::<DirectoryEntry>(text).unwrap_err().to_string();
    insta::assert_snapshot!([
        refused(r#"{"agent":"a@p","volume":3}"#),
        refused(r#"{"agent":"a@p","services":[{"name":"n"}]}"#),
        refused(r#"{"agent":"a@p","services":[{"name":"n","type":"t","price":3}]}"#),
        refused(r#"{"agent":"nobody"}"#),
        refused(r#"{"services":[]}"#),
    ].join("\n"), @r"
    unknown field `volume`, expected one of `agent`, `services`, `protocols`, `ontologies`, `languages`, `lease` at line 1 column 23
    missing field `type` at line 1 column 39
    unknown field `price`, expected one of `name`, `type`, `protocols`, `ontologies`, `languages`, `ownership`, `properties` at line 1 column 57
    `nobody` is no agent's name; one looks like `local@platform`, without spaces, parentheses or quotes, in 255 bytes at line 1 column 17
    missing field `agent` at line 1 column 15
    ");
    let services = vec![ServiceTemplate::default(); MOST_SERVICES + 1];
    let text = serde_json::to_string(&Template { services, ..Template::default() }).unwrap();
    let problem = serde_json::from_str::<Template>(&text).unwrap_err().to_string();
    assert!(problem.starts_with("65 services are too many; look for 64 at most"), "{problem}");

    let (directory, now) = (Directory::default(), Timestamp::from_millis(0));
    let mut entry = DirectoryEntry::new("a@p".parse().unwrap());
    entry.services = vec![ServiceDescription::new("n", "t"); MOST_SERVICES + 1];
    assert_eq!(
        directory.register(entry.clone(), now).unwrap_err().to_string(),
        "65 services are too many for a@p; an entry has 64 at most"
    );
    entry.services = vec![ServiceDescription::new("n".repeat(LARGEST_ENTRY), "t")];
    assert_eq!(
        directory.register(entry, now).unwrap_err().to_string(),
        "65587 bytes are too many for a@p; an entry has 65536 at most, as JSON"
    );
}

#[test]
fn a_search_by_kind_looks_at_that_kind_alone() {
    let mut directory = Directory::default();
    for number in 0..10_000 {
        let mut entry = DirectoryEntry::new(format!("a{number:04}@p").parse().unwrap());
        let kind = if number % 1000 == 7 { "rare" } else { "common" };
        entry.services = vec![ServiceDescription::new(format!("s{number}"), kind)];
        directory.evolve(&DirectoryChange::Registered(entry));
    }
    let looked_at = |services: Vec<ServiceTemplate>| match directory
        .candidates(&Template { services, ..Template::default() })
    {
        Candidates::All => directory.len(),
        Candidates::Few(few) => few.len(),
        Candidates::None => 0,
    };
    let named =
        |name: &str| ServiceTemplate { name: Some(name.to_owned()), ..ServiceTemplate::default() };
    let of_kind = ServiceTemplate::of_kind;
    assert_eq!(looked_at(vec![of_kind("rare")]), 10);
    assert_eq!(looked_at(vec![of_kind("common"), of_kind("rare")]), 10);
    assert_eq!(looked_at(vec![of_kind("common"), named("s3")]), 1);
    assert_eq!(looked_at(vec![of_kind("common"), of_kind("none")]), 0);
    assert_eq!(looked_at(vec![]), 10_000);
}

/// One of few words, so that they meet.
fn word() -> impl Strategy<Value = String> {
    "[abc]"
}

fn words() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set(word(), 0..3)
}

fn template() -> impl Strategy<Value = Template> {
    let properties = prop::collection::btree_map(word(), (0..2_u8).prop_map(Value::from), 0..2);
    let service = (prop::option::of(word()), prop::option::of(word()), words(), properties);
    let service = service.prop_map(|(name, kind, languages, properties)| ServiceTemplate {
        name,
        kind,
        languages,
        properties,
        ..ServiceTemplate::default()
    });
    (prop::collection::vec(service, 0..3), words(), prop::option::of(0..9_u64)).prop_map(
        |(services, protocols, lease)| Template {
            services,
            protocols,
            lease: lease.map(Timestamp::from_millis),
            ..Template::default()
        },
    )
}

/// An entry that says what a template does, and a little more.
fn entry() -> impl Strategy<Value = DirectoryEntry> {
    ("[a-d]", template()).prop_map(|(name, template)| {
        let mut entry = DirectoryEntry::new(format!("{name}@p").parse().unwrap());
        let described = template.services.into_iter().map(|service| ServiceDescription {
            languages: service.languages,
            properties: service.properties,
            ..ServiceDescription::new(
                service.name.unwrap_or("a".into()),
                service.kind.unwrap_or("b".into()),
            )
        });
        entry.services = described.collect();
        entry.protocols = template.protocols;
        entry.lease = template.lease;
        entry
    })
}

proptest! {
    #[test]
    fn a_search_finds_what_a_look_at_all_entries_finds(
        commands in prop::collection::vec((0..4_u8, entry()), 0..24),
        sought in prop::collection::vec(template(), 1..8),
        most in 0..4_usize,
    ) {
        let mut directory = Directory::default();
        let mut naive: BTreeMap<String, DirectoryEntry> = BTreeMap::new();
        let mut changes = Vec::new();
        for (time, (verb, entry)) in commands.into_iter().enumerate() {
            let now = Timestamp::from_millis(time as u64 / 3);
            let agent = entry.agent.name().clone();
            let listed = naive.get(agent.as_str()).is_some_and(|entry| entry.holds(now));
            let (decided, allowed) = match verb {
                0 => (directory.deregister(&agent, now), listed),
                1 => (directory.modify(entry.clone(), now), listed && entry.holds(now)),
                _ => (directory.register(entry.clone(), now), !listed && entry.holds(now)),
            };
            prop_assert_eq!(decided.is_ok(), allowed);
            if let Ok(change) = decided {
                directory.evolve(&change);
                changes.push(change);
                match verb {
                    0 => naive.remove(agent.as_str()),
                    _ => naive.insert(agent.to_string(), entry),
                };
            }
            for template in &sought {
                let constraints = SearchConstraints { max_results: Some(most) };
                let found = directory.search(template, constraints, now);
                let all = naive.values().filter(|entry| entry.holds(now) && template.matches(entry));
                prop_assert_eq!(found, all.take(most).collect::<Vec<_>>());
            }
            let over = naive.values().filter(|entry| !entry.holds(now)).count();
            prop_assert_eq!(directory.expire(now).len(), over);
        }
        // What was stored gives the same directory again, and an empty one keeps nothing.
        let stored = serde_json::to_string(&changes).unwrap();
        let mut replayed = Directory::default();
        for change in serde_json::from_str::<Vec<DirectoryChange>>(&stored).unwrap() {
            replayed.evolve(&change);
        }
        prop_assert_eq!(&replayed, &directory);
        for agent in naive.values().map(|entry| entry.agent.name()) {
            replayed.evolve(&DirectoryChange::Deregistered(agent.clone()));
        }
        prop_assert_eq!(replayed, Directory::default());
    }

    #[test]
    fn entries_and_templates_read_as_they_are_written(mut entry in entry(), mut template in template(), aid in sample::aid()) {
        entry.agent = aid.clone();
        template.agent = Some(aid);
        let text = serde_json::to_string(&entry).unwrap();
        prop_assert_eq!(serde_json::from_str::<DirectoryEntry>(&text).unwrap(), entry);
        let text = serde_json::to_string(&template).unwrap();
        prop_assert_eq!(serde_json::from_str::<Template>(&text).unwrap(), template);
    }
}
