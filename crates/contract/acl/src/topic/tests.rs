//! A table told as text, and held against one that looks at every subscription.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn agent(name: &str) -> AgentName {
    format!("{name}@p").parse().unwrap()
}

fn names(receivers: &[Recipient]) -> Vec<AgentName> {
    receivers.iter().map(|it| it.agent.clone()).collect()
}

/// `ann orders.>` or `ann orders.> packers`.
fn subscription(text: &str) -> Subscription {
    match text.split(' ').collect::<Vec<_>>()[..] {
        [name, pattern] => Subscription::plain(agent(name), pattern.parse().unwrap()),
        [name, pattern, group] => {
            Subscription::shared(agent(name), pattern.parse().unwrap(), group.parse().unwrap())
        }
        _ => panic!("{text}"),
    }
}

/// Plays `+` and `-` of subscriptions, `- ann` of all of them, and publications, whose receivers it tells.
#[track_caller]
fn check(commands: &str, expected: &str) {
    let limits = SubscriptionLimits { of_an_agent: 3, of_all: 6 };
    let (mut topics, mut told) = (Topics::new(limits), String::new());
    for line in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let _ = match line.split_once(' ') {
            Some(("+", text)) => match topics.subscribe(subscription(text)) {
                Ok(true) => Ok(()),
                Ok(false) => writeln!(told, "{text}: as before"),
                Err(refusal) => writeln!(told, "{refusal}"),
            },
            Some(("-", text)) if !text.contains(' ') => {
                writeln!(told, "{} gone", topics.unsubscribe_all(&agent(text)))
            }
            Some(("-", text)) => match topics.unsubscribe(&subscription(text)) {
                true => Ok(()),
                false => writeln!(told, "{text}: was not there"),
            },
            _ => {
                let receivers = topics.receivers(&line.parse().unwrap());
                let names: Vec<&str> = receivers.iter().map(|it| it.agent.local()).collect();
                writeln!(told, "{line} → {}", names.join(" "))
            }
        };
    }
    let lines = |text: &str| text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&told), lines(expected));
}

#[test]
fn patterns_mean_what_they_say() {
    check(
        "+ ann orders.eu.new
         + bob orders.*.new
         + cat orders.>
         + dan >
         + eve *
         orders.eu.new
         orders.us.new
         orders.eu
         orders
         Orders.eu.new
         orders.eu.new.late",
        "orders.eu.new → ann bob cat dan
         orders.us.new → bob cat dan
         orders.eu → cat dan
         orders → dan eve
         Orders.eu.new → dan
         orders.eu.new.late → cat dan",
    );
}

#[test]
fn nobody_is_told_twice() {
    check(
        "+ ann a.*
         + ann a.b
         + ann > g
         + ann a.b
         a.b
         - ann a.b
         - ann a.b
         a.b
         - ann
         a.b
         - ann",
        "ann a.b: as before
         a.b → ann
         ann a.b: was not there
         a.b → ann
         2 gone
         a.b →
         0 gone",
    );
}

#[test]
fn of_a_queue_group_one_is_served_in_turn() {
    check(
        "+ cat a.> g
         + ann a.> g
         + bob *.b g
         + bob a.b h
         + dan a.b
         a.b
         a.b
         a.b
         a.b
         x.b
         a.b
         a.b
         - ann
         a.b
         a.b
         a.c",
        "a.b → bob cat dan
         a.b → ann bob dan
         a.b → bob dan
         a.b → bob cat dan
         x.b → bob
         a.b → ann bob dan
         a.b → bob cat dan
         1 gone
         a.b → bob dan
         a.b → bob cat dan
         a.c → cat",
    );
}

#[test]
fn another_member_takes_the_place_of_one_that_can_not() {
    let mut topics = Topics::default();
    for one in ["ann orders.> packers", "bob orders.* packers", "cat other packers"] {
        topics.subscribe(subscription(one)).unwrap();
    }
    let (group, topic) = ("packers".parse().unwrap(), "orders.new".parse().unwrap());
    let [first] = &topics.receivers(&topic)[..] else { panic!("one member gets it") };
    assert_eq!((&first.agent, first.groups.len()), (&agent("ann"), 1));
    let mut tried = BTreeSet::from([agent("ann")]);
    assert_eq!(topics.next_of(&group, &topic, &tried), Some(agent("bob")));
    tried.insert(agent("bob"));
    assert_eq!(topics.next_of(&group, &topic, &tried), None);
}

#[test]
fn topics_that_are_published_by_turns_starve_nobody() {
    // By one cursor in the order of names, `ann` would always be passed over.
    check(
        "+ ann x g
         + cat x g
         + bob y g
         x
         y
         x
         y
         x",
        "x → ann
         y → bob
         x → cat
         y → bob
         x → ann",
    );
}

#[test]
fn who_comes_in_stands_behind_the_others() {
    check(
        "+ ann x g
         + bob x g
         x
         + cat x g
         x
         x
         x
         + cat y g
         - cat x g
         x
         y",
        "x → ann
         x → bob
         x → ann
         x → cat
         x → bob
         y → cat",
    );
}

#[test]
fn numbers_are_bounded() {
    check(
        "+ ann a
         + ann b
         + ann c g
         + ann d
         + ann c g
         + bob a
         + bob b
         + bob c
         + cat a
         - bob b
         + cat a
         a",
        "ann@p has 3 subscriptions already, the most an agent may have
         ann c g: as before
         there are 6 subscriptions already, the most there may be
         a → ann bob cat",
    );
}

#[test]
fn names_are_refused_with_the_reason() {
    let many = vec!["a"; MOST_WORDS + 1].join(".");
    let long = "ä".repeat(128);
    let mut told = String::new();
    for text in ["", "a..b", ".a", "a b", "a.\u{7}", "a*.b", "*", "a.>", &many, &long] {
        let _ = match text.parse::<TopicName>() {
            Ok(_) => writeln!(told, "{text}"),
            Err(misnamed) => writeln!(told, "{}", misnamed.to_string().replace('\u{7}', "^G")),
        };
    }
    for text in [">.a", "a.*b", "a.", "*.*.>"] {
        let _ = match text.parse::<TopicPattern>() {
            Ok(_) => writeln!(told, "{text}"),
            Err(misnamed) => writeln!(told, "{misnamed}"),
        };
    }
    for text in ["a.b", "*", "packers"] {
        let _ = match text.parse::<GroupName>() {
            Ok(_) => writeln!(told, "{text}"),
            Err(misnamed) => writeln!(told, "{misnamed}"),
        };
    }
    insta::assert_snapshot!(told, @"
    `` is no topic: a word of it is empty
    `a..b` is no topic: a word of it is empty
    `.a` is no topic: a word of it is empty
    `a b` is no topic: it holds white space or control characters
    `a.^G` is no topic: it holds white space or control characters
    `a*.b` is no topic: `*` and `>` stand in patterns, each as a word of its own
    `*` is no topic: `*` and `>` stand in patterns, each as a word of its own
    `a.>` is no topic: `*` and `>` stand in patterns, each as a word of its own
    `a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a` is no topic: it has more than 16 words
    `ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää` is no topic: it has more than 255 bytes
    `>.a` is no pattern of topics: `>` stands at the end alone
    `a.*b` is no pattern of topics: `*` and `>` stand in patterns, each as a word of its own
    `a.` is no pattern of topics: a word of it is empty
    *.*.>
    `a.b` is no queue group: it is one word, without dots
    `*` is no queue group: `*` and `>` stand in patterns, each as a word of its own
    packers
    ");
    let most = vec!["a"; MOST_WORDS].join(".");
    assert!(most.parse::<TopicName>().is_ok() && "ab".repeat(127).parse::<TopicName>().is_ok());
    let stored = r#"{"agent":"ann@p","pattern":"a.>","group":"g"}"#;
    let read: Subscription = serde_json::from_str(stored).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    let unknown = r#"{"agent":"ann@p","pattern":"a.>","volume":3}"#;
    let refusal = serde_json::from_str::<Subscription>(unknown).unwrap_err().to_string();
    assert!(refusal.starts_with("unknown field `volume`"), "{refusal}");
}

#[test]
fn of_ten_thousand_patterns_few_are_looked_at() {
    let limits = SubscriptionLimits { of_an_agent: 10_000, of_all: 10_000 };
    let mut topics = Topics::new(limits);
    for number in 0..9_999 {
        let pattern = format!("shop{}.order{number}.*", number % 10);
        topics.subscribe(subscription(&format!("a{number} {pattern}"))).unwrap();
    }
    topics.subscribe(subscription("all shop7.>")).unwrap();
    let topic = "shop7.order17.new".parse().unwrap();
    // The place of `shop7.>`, that of `shop7.order17.*`, and no other.
    assert_eq!(topics.tree.matching(&topic).len(), 2);
    assert_eq!(names(&topics.receivers(&topic)), [agent("a17"), agent("all")]);
}

/// The definition, word by word, without the tree and without `TopicPattern::matches`.
fn means(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        ([own, pattern @ ..], [word, topic @ ..]) => {
            (*own == "*" || own == word) && means(pattern, topic)
        }
        ([], [_, ..]) | ([_, ..], []) => false,
    }
}

/// A table that looks at everything: subscriptions, and when each member of a group came in or was served.
#[derive(Default)]
struct Naive {
    all: BTreeSet<Subscription>,
    since: BTreeMap<(GroupName, AgentName), u64>,
    turn: u64,
}

impl Naive {
    fn subscribe(&mut self, own: Subscription) {
        if let (Some(group), true) = (&own.group, !self.all.contains(&own)) {
            self.turn += 1;
            self.since.entry((group.clone(), own.agent.clone())).or_insert(self.turn);
        }
        self.all.insert(own);
    }

    fn unsubscribe(&mut self, gone: impl Fn(&Subscription) -> bool) {
        self.all.retain(|own| !gone(own));
        let all = &self.all;
        self.since.retain(|(group, agent), _| {
            all.iter().any(|own| own.agent == *agent && own.group.as_ref() == Some(group))
        });
    }

    fn receivers(&mut self, topic: &str) -> Vec<AgentName> {
        let topic: Vec<&str> = topic.split('.').collect();
        let wanted = self
            .all
            .iter()
            .filter(|own| means(&own.pattern.as_str().split('.').collect::<Vec<_>>(), &topic));
        let wanted: Vec<Subscription> = wanted.cloned().collect();
        let plain = wanted.iter().filter(|own| own.group.is_none()).map(|own| own.agent.clone());
        let mut receivers: BTreeSet<AgentName> = plain.collect();
        let groups: BTreeSet<&GroupName> =
            wanted.iter().filter_map(|own| own.group.as_ref()).collect();
        for group in groups {
            let members = wanted.iter().filter(|own| own.group.as_ref() == Some(group));
            let places = members.map(|own| (group.clone(), own.agent.clone()));
            let next = places.min_by_key(|place| self.since[place]).unwrap();
            self.turn += 1;
            receivers.insert(next.1.clone());
            self.since.insert(next, self.turn);
        }
        receivers.into_iter().collect()
    }
}

fn any_subscription() -> impl Strategy<Value = Subscription> {
    let words = prop::collection::vec("[ab*]", 0..3);
    let group = prop::option::of("[gh]");
    ("[a-e]", words, "[abc*>]", group).prop_map(|(name, mut words, last, group)| {
        words.push(last);
        let (agent, pattern) = (agent(&name), words.join(".").parse().unwrap());
        Subscription { agent, pattern, group: group.map(|group| group.parse().unwrap()) }
    })
}

proptest! {
    #[test]
    fn a_publication_reaches_whom_a_look_at_all_subscriptions_finds(
        commands in prop::collection::vec((0..6_u8, any_subscription(), "[abc]([.][abc]){0,3}"), 0..60),
    ) {
        let (mut topics, mut naive) = (Topics::default(), Naive::default());
        for (verb, subscription, topic) in commands {
            match verb {
                0 => {
                    topics.unsubscribe_all(&subscription.agent);
                    naive.unsubscribe(|own| own.agent == subscription.agent);
                }
                1 => {
                    topics.unsubscribe(&subscription);
                    naive.unsubscribe(|own| *own == subscription);
                }
                _ => {
                    topics.subscribe(subscription.clone()).unwrap();
                    naive.subscribe(subscription.clone());
                }
            }
            prop_assert_eq!(topics.len(), naive.all.len());
            let receivers = topics.receivers(&topic.parse().unwrap());
            prop_assert_eq!(names(&receivers), naive.receivers(&topic));
            let words = (subscription.pattern.as_str().split('.').collect::<Vec<_>>(), topic.split('.').collect::<Vec<_>>());
            prop_assert_eq!(subscription.pattern.matches(&topic.parse().unwrap()), means(&words.0, &words.1));
        }
        for name in ["a", "b", "c", "d", "e"] {
            let own: Vec<Subscription> = topics.subscriptions(&agent(name)).collect();
            prop_assert!(own.iter().all(|own| naive.all.contains(own)));
            prop_assert_eq!(topics.unsubscribe_all(&agent(name)), own.len());
        }
        prop_assert!(topics.keeps_nothing());
    }

    #[test]
    fn no_member_has_a_second_turn_before_each_other_had_one(
        members in prop::collection::vec(("[a-e]", "[xy*]"), 1..8),
        published in prop::collection::vec("[xy]", 0..40),
    ) {
        let mut topics = Topics::default();
        let mut wants: BTreeMap<&str, BTreeSet<AgentName>> = BTreeMap::new();
        for (name, pattern) in &members {
            topics.subscribe(subscription(&format!("{name} {pattern} g"))).unwrap();
            for topic in ["x", "y"].iter().filter(|topic| pattern == "*" || pattern == *topic) {
                wants.entry(topic).or_default().insert(agent(name));
            }
        }
        let mut served: Vec<AgentName> = Vec::new();
        for topic in &published {
            let receivers = names(&topics.receivers(&topic.parse().unwrap()));
            let Some(wanting) = wants.get(topic.as_str()) else {
                prop_assert!(receivers.is_empty());
                continue;
            };
            prop_assert_eq!(receivers.len(), 1);
            prop_assert!(wanting.contains(&receivers[0]));
            // Since its last turn, each other member that wants this topic had one, on whatever topic.
            if let Some(last) = served.iter().rposition(|own| *own == receivers[0]) {
                let others = wanting.iter().filter(|other| **other != receivers[0]);
                for other in others {
                    prop_assert!(served[last..].contains(other), "{} before {}", receivers[0], other);
                }
            }
            served.push(receivers[0].clone());
        }
    }
}
