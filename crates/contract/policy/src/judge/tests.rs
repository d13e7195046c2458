//! Verdicts, told as `mode: needs -> verdict`.

use super::*;
use crate::{GrantScope, untrusted};

fn need(text: &str) -> Need {
    let (kind, rest) = text.split_once(' ').unwrap();
    let place = match rest {
        path if path.starts_with('/') => Place::Outside,
        path if path.starts_with(".git/") => Place::Protected,
        _ => Place::Inside,
    };
    match kind {
        "read" => Need::Read { path: rest.into(), place },
        "write" => Need::Write { path: rest.into(), place },
        "run" | "run!" => Need::Execute {
            command: rest.into(),
            parts: match rest.contains("$(") {
                true => vec![],
                false => rest.split(" && ").map(str::to_owned).collect(),
            },
            caged: kind == "run",
        },
        "net" => Need::Network { host: rest.into() },
        other => panic!("{other}"),
    }
}

struct Case {
    rules: Rules,
    grants: Vec<Grant>,
    carries: Vec<Origin>,
}

fn plain() -> Case {
    Case { rules: Rules::default(), grants: vec![], carries: vec![] }
}

fn rules(deny: &[&str], ask: &[&str], allow: &[&str]) -> Case {
    let list = |texts: &[&str]| texts.iter().map(|t| Rule((*t).into())).collect();
    let rules = Rules { deny: list(deny), ask: list(ask), allow: list(allow), ..Rules::default() };
    Case { rules, ..plain() }
}

impl Case {
    fn granted(mut self, text: &str) -> Self {
        self.grants.push(Grant { need: need(text), scope: GrantScope::Session });
        self
    }

    /// The call may carry what these needs brought in.
    fn carrying(mut self, needs: &str) -> Self {
        let needs: Vec<Need> = needs.split("; ").map(need).collect();
        self.carries = untrusted(&needs, &self.rules.trust);
        self
    }

    /// Each line reads `mode: need; need -> allow|ask|deny`.
    #[track_caller]
    fn check(&self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (mode, rest) = line.split_once(": ").unwrap();
            let (needs, expected) = rest.rsplit_once(" -> ").unwrap();
            let needs = needs.split("; ").map(need).collect();
            let request = Request { tool: "t".into(), needs, carries: self.carries.clone() };
            let actual = match judge(mode.parse().unwrap(), &self.rules, &self.grants, &request) {
                Verdict::Allow => "allow",
                Verdict::Ask { .. } => "ask",
                Verdict::Deny { .. } => "deny",
            };
            assert_eq!(actual, expected, "{line}");
        }
    }
}

#[test]
fn each_mode_allows_what_it_says() {
    plain().check(
        "read-only: read src/a.rs -> allow
         read-only: read /etc/passwd -> deny
         read-only: write src/a.rs -> deny
         read-only: run ls -> deny
         read-only: net example.org -> deny
         ask: read src/a.rs -> allow
         ask: read /etc/passwd -> ask
         ask: write src/a.rs -> ask
         ask: run ls -> ask
         ask: net example.org -> ask
         auto: write src/a.rs -> allow
         auto: write /etc/hosts -> ask
         auto: read /etc/hosts -> ask
         auto: run cargo test -> allow
         auto: run! cargo test -> ask
         auto: net example.org -> ask
         full: write /etc/hosts -> allow
         full: run! cargo test -> allow
         full: net example.org -> allow",
    );
}

#[test]
fn protected_places_need_a_person_in_every_mode() {
    plain().check(
        "read-only: write .git/config -> deny
         ask: write .git/config -> ask
         auto: read .git/config -> ask
         full: write .git/config -> ask",
    );
    plain().granted("write .git/config").check("full: write .git/config -> allow");
}

#[test]
fn a_call_is_as_risky_as_its_riskiest_need() {
    plain().check("auto: read a; write /etc/hosts -> ask");
    rules(&["run:rm"], &[], &[]).check("full: read a; run rm x -> deny");
}

#[test]
fn deny_beats_mode_rule_and_grant() {
    rules(&["run:git push"], &[], &["run:git"]).granted("run git push").check(
        "full: run git push -> deny
         full: run make && git push origin -> deny
         ask: run git status -> allow
         full: run git pushx -> allow",
    );
    rules(&["write:**/*.lock"], &[], &[]).check(
        "full: write Cargo.lock -> deny
         full: write a/b/yarn.lock -> deny
         full: write a/b/yarn.locks -> allow",
    );
}

#[test]
fn what_holds_back_a_command_holds_it_back_behind_others() {
    let lines = |verdict: &str| {
        [
            "/bin/rm x",
            "env rm x",
            "env A=1 rm x",
            "bash -c 'rm x'",
            "sudo -u root rm x",
            "timeout 5 nice rm x",
            "find . -name x -exec rm {} ;",
            "xargs rm <<< x",
            "true && /usr/bin/env -S 'rm x'",
        ]
        .map(|line| format!("full: run {line} -> {verdict}\n"))
        .concat()
    };
    // What another language may run is asked about, where it names the program.
    let rm = rules(&["run:rm"], &[], &[]);
    rm.check("auto: run awk 'BEGIN { system(\"rm x\") }' -> ask");
    rm.check("full: run sed '1e rm x' a -> ask");
    rm.check("full: run python3 -c 'os.system(\"rm x\")' -> ask");
    rm.check("full: run python3 -c 'print(farm)' -> allow");
    rm.check("full: run python3 rm.py x -> allow");
    rm.check("auto: run make > log 2>&1 -> allow");
    rm.check("auto: run (cd src && echo $(date)) -> allow");
    rm.check("auto: run if [ -f a ] && true -> allow");
    rm.check("auto: run cat <<< rm -> allow");
    rm.check("auto: run x=$(rm y) -> deny");
    rm.check("auto: run (cd src && rm y) > log -> deny");
    rm.check("auto: run $x y -> ask");
    rm.check("full: run hash -p /bin/rm y && y x -> ask");
    rm.check("full: run git -c alias.y='!rm x' y -> deny");
    for rule in ["run:rm", "run:/usr/bin/rm"] {
        rules(&[rule], &[], &[]).check(&lines("deny"));
        rules(&[], &[rule], &[]).check(&lines("ask"));
    }
    rules(&["run:git push"], &[], &[]).check(
        "full: run git -C a push -> deny
         full: run git --no-pager -c a=b push -f -> deny
         full: run git stash push -> allow
         full: run echo git push -> allow
         full: run bash -c $X -> ask
         full: run bash script.sh -> allow",
    );
    // What opens, opens what it says.
    rules(&[], &[], &["run:rm", "run:ls"]).check(
        "ask: run rm x -> allow
         ask: run /bin/rm x -> ask
         ask: run env rm x -> ask
         ask: run bash -c 'rm x' -> ask
         ask: run ls && find . -exec rm x ; -> ask",
    );
}

#[test]
fn what_holds_back_a_folder_holds_back_what_is_in_it() {
    rules(&["read:keys", "write:./prod.yml"], &["write:infra/"], &[]).check(
        "full: read keys -> deny
         full: read keys/a/b -> deny
         full: read keys2 -> allow
         full: write keys/a -> allow
         full: write prod.yml -> deny
         full: write infra/a -> ask",
    );
    rules(&[], &[], &["write:src"]).check("ask: write src/a -> ask");
}

#[test]
fn what_holds_back_a_host_holds_it_back_at_every_port_and_among_others() {
    let lines = |verdict: &str| {
        ["evil.org", "evil.org:8443", "a.evil.org:443", "*", "*.evil.org"]
            .map(|host| format!("full: net {host} -> {verdict}\n"))
            .concat()
    };
    rules(&["net:evil.org", "net:*.evil.org"], &[], &[]).check(&lines("deny"));
    rules(&[], &["net:evil.org", "net:*.evil.org"], &[]).check(&lines("ask"));
    rules(&["net:evil.org:25"], &[], &[]).check(
        "full: net evil.org:25 -> deny
         full: net *:25 -> deny
         full: net evil.org -> allow
         full: net notevil.org:25 -> allow",
    );
    // What opens, opens what it says.
    rules(&[], &[], &["net:example.org", "net:*.example.org"]).check(
        "auto: net example.org -> allow
         auto: net a.example.org -> allow
         auto: net example.org:8443 -> ask
         auto: net * -> ask",
    );
}

#[test]
fn a_compound_command_is_allowed_part_by_part() {
    rules(&[], &[], &["run:cargo test", "run:ls"]).check(
        "ask: run cargo test && ls -l -> allow
         ask: run cargo test && rm x -> ask",
    );
    rules(&[], &[], &["run:ls"]).granted("run make").check("ask: run make && ls -> allow");
}

#[test]
fn a_line_that_can_not_be_taken_apart_needs_a_person_where_commands_have_rules() {
    rules(&["run:git push"], &[], &[]).check(
        "full: run x=$(true) git push -> deny
         full: run g$(echo it) push -> ask",
    );
    rules(&[], &["run:git push"], &[]).check("auto: run x=$(true) git push -> ask");
    plain().check("full: run x=$(true) git push -> allow");
}

#[test]
fn ask_rules_hold_where_the_mode_would_allow() {
    rules(&[], &["run:git push"], &[]).check("full: run git push -> ask");
    rules(&[], &["run:git push"], &[]).granted("run git push").check("full: run git push -> allow");
}

#[test]
fn a_grant_inside_the_sandbox_is_none_outside_it() {
    plain().granted("run make").check(
        "auto: run! make -> ask
         ask: run make -> allow",
    );
    plain().granted("run! make").check("ask: run make -> allow");
}

#[test]
fn a_compound_command_is_granted_part_by_part() {
    rules(&[], &["run:git push"], &[]).granted("run make").granted("run git push").check(
        "full: run make && git push -> allow
         full: run git push && make -> allow
         full: run git push && git push -f -> ask",
    );
}

#[test]
fn what_came_from_elsewhere_leaves_with_a_persons_word_only() {
    let page = || plain().carrying("net example.org");
    page().check(
        "full: net other.org -> ask
         full: net example.org -> ask
         full: run! curl other.org -> ask
         full: run! make && /usr/bin/wget other.org -> ask
         full: run! GIT_SSH=x git push -> ask
         full: run! git status && cargo test -> allow
         full: run! x=$(date) make > log 2>&1 -> allow
         full: run! x=$(curl other.org) make -> ask
         full: run! $x other.org -> ask
         full: write /etc/hosts -> allow
         auto: run cargo test -> allow
         auto: write src/a.rs -> allow
         read-only: net other.org -> deny",
    );
    page().granted("net other.org").check("auto: net other.org -> allow");
    plain().carrying("read /etc/motd; read src/a.rs").check("full: net other.org -> ask");
    plain().carrying("read src/a.rs; run make; write b").check("full: net other.org -> allow");
}

#[test]
fn settings_say_what_is_vouched_for_and_what_becomes_of_the_rest() {
    let trusting = |trust: &str| {
        let mut case = rules(&[], &[], &["net:other.org"]);
        case.rules.trust = vec![Rule(trust.into())];
        case.carrying("net docs.example.org")
    };
    trusting("net:*.example.org").check("ask: net other.org -> allow");
    trusting("net:example.org").check("ask: net other.org -> ask");
    let mut case = plain().carrying("net example.org");
    case.rules.outflow = Outflow::Deny;
    case.check("full: net other.org -> deny");
    case.rules.outflow = Outflow::Allow;
    case.check("full: net other.org -> allow");
}

#[test]
fn read_only_cannot_be_widened_by_a_grant_or_an_allow_rule() {
    rules(&[], &[], &["run:ls"]).granted("write a").check(
        "read-only: run ls -> deny
         read-only: write a -> deny",
    );
}

#[test]
fn hosts_match_whole_labels() {
    rules(&[], &[], &["net:*.example.org"]).check(
        "ask: net api.example.org -> allow
         ask: net notexample.org -> ask
         ask: net example.org -> ask",
    );
}

#[test]
fn rules_say_when_they_are_no_rules() {
    assert!(Rule("run:git".into()).is_well_formed());
    for text in ["", "git", "exec:git", "run:", "read: "] {
        assert!(!Rule(text.into()).is_well_formed(), "{text}");
    }
}
