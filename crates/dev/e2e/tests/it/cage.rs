//! What a command of the agent sees and touches: the workspace, and nothing of its person.

use std::fs;
use std::net::TcpListener;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::provider::{KEY, Provider};

/// Runs a command as the agent would in access mode `auto`, and returns what the model is told of it. What a line names
/// that is not there yet can't be hidden from it, so such a line is refused before it runs.
#[track_caller]
fn told(home: &Home, line: &str) -> String {
    let call = json!({ "command": line }).to_string();
    let server =
        ScriptedServer::of_turns([Saying::call("shell", call), Saying::text("Done.")]).unwrap();
    let came = home
        .run(&Provider::usual(&server), &["task"])
        .env("LD_PRELOAD_X", "1")
        .env("GIT_DIR", "/nowhere")
        .env("SOME_TOKEN", "SECRET")
        .env("PYTHONSTARTUP", "/nowhere")
        .finish();
    assert!(matches!(came.code, Some(0 | 4)), "{line}: {came:?}");
    let asked = server.asked();
    let raw = String::from_utf8_lossy(&asked[1].raw).into_owned();
    // What came before is the question with the command itself in it.
    raw.split("\"role\":\"tool\"").nth(1).unwrap_or_default().to_owned()
}

#[test]
fn secrets_of_the_person_and_of_bottega_are_out_of_reach() {
    let home = Home::new();
    let person = home.workspace().parent().unwrap().join("home");
    fs::create_dir_all(person.join(".ssh")).unwrap();
    fs::write(person.join(".ssh/id_ed25519"), "SECRET").unwrap();
    fs::create_dir_all(home.own_files().join("data")).unwrap();
    fs::write(home.own_files().join("data/note"), "SECRET").unwrap();
    let (own, person) = (home.own_files(), person.display().to_string());
    for line in [
        format!("cat {person}/.ssh/id_ed25519"),
        format!("cat {}/data/note", own.display()),
        format!("strings {0}/data/journal.db || cat {0}/data/journal.db", own.display()),
        format!("cp -r {person} taken; cat taken/.ssh/id_ed25519"),
        format!("cp -r {person} taken; find taken -type f -exec cat {{}} +"),
        format!("ln -s {person}/.ssh/id_ed25519 x; cat x"),
        "env; cat /proc/$PPID/environ /proc/1/environ".to_owned(),
        "cat /proc/self/cwd/../home/.ssh/id_ed25519".to_owned(),
    ] {
        let told = told(&home, &line);
        assert!(!told.contains("SECRET") && !told.contains(KEY), "{line}: {told}");
        assert!(!told.contains("SQLite format"), "{line}: {told}");
    }
}

#[test]
fn nothing_outside_the_workspace_is_changed() {
    let home = Home::new();
    let outside = home.workspace().parent().unwrap().join("outside");
    fs::write(&outside, "as it was").unwrap();
    let path = outside.display();
    for line in [
        format!("echo x > {path}"),
        format!("rm -f {path}"),
        format!("mv greeting.txt {path}"),
        format!("ln -s {path} way && echo x > way"),
        format!("chmod 777 {path}; touch -d 2001-01-01 {path}"),
        format!("sed -i s/was/is/ {path}"),
    ] {
        told(&home, &line);
        assert_eq!(fs::read_to_string(&outside).unwrap(), "as it was", "{line}");
    }
}

#[test]
fn variables_that_lead_a_program_astray_do_not_reach_it() {
    let told = told(&Home::new(), "env");
    assert!(told.contains("PATH="), "{told}");
    for name in ["LD_PRELOAD", "GIT_DIR", "SOME_TOKEN", "PYTHONSTARTUP", "API_KEY", "BOTTEGA_"] {
        assert!(!told.contains(name), "{name}: {told}");
    }
}

#[test]
fn nobody_hears_a_command_without_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = told(&Home::new(), &format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo REACHED"));
    assert!(!told.contains("REACHED\\n"), "{told}");
    assert!(listener.accept().is_err());
}

#[test]
fn a_file_of_variables_in_the_workspace_sets_none_of_ours() {
    let home = Home::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = elsewhere.local_addr().unwrap();
    let lines = format!(
        "BOTTEGA_HOME=/nowhere\nBOTTEGA_ACCESS_MODE=full\nOPENROUTER_BASE_URL=http://{address}\nANTHROPIC_BASE_URL=http://{address}\nHTTPS_PROXY=http://{address}\nHTTP_PROXY=http://{address}\nFROM_FILE=SECRET\n"
    );
    for name in [".env", ".env.local", ".envrc", ".bottega/.env"] {
        home.write(name, &lines);
    }
    let told = told(&home, "env");
    assert!(!told.contains("FROM_FILE") && !told.contains("SECRET"), "{told}");
    assert!(elsewhere.accept().is_err(), "a request went where a file of the workspace said");
    assert!(home.journal().is_file());
}

#[test]
fn the_limits_of_commands_are_the_ones_that_are_set() {
    let home = Home::new();
    let settings = "[tools.shell]\nfile_size = \"4KiB\"\nmemory = \"1GiB\"\nprocesses = 0\n";
    fs::create_dir_all(home.own_files().join("config")).unwrap();
    fs::write(home.own_files().join("config/config.toml"), settings).unwrap();
    let told = told(&home, "head -c 9000 /dev/zero > big; wc -c < big; ulimit -d");
    assert!(told.contains("4096\\n1048576"), "{told}");
}

#[test]
fn what_rules_keep_from_a_command_stays_unread_and_as_it_was() {
    let home = Home::new();
    home.settings(
        "[access]\nprotected = [\"prod.yml\"]\n[access.rules]\ndeny = [\"read:secret.txt\", \"read:**/*.pem\", \"write:infra/**\", \"write:new.txt\"]\n",
    );
    for (path, text) in [
        ("secret.txt", "TOPSECRET"),
        ("a/b/x.pem", "TOPSECRET"),
        ("prod.yml", "as it was"),
        ("infra/main.tf", "as it was"),
    ] {
        home.write(path, text);
    }
    std::os::unix::fs::symlink("secret.txt", home.workspace().join("link.txt")).unwrap();
    for line in [
        "cat secret.txt s*t.txt link.txt ./a/../secret.txt",
        "cat a/b/x.pem; mv a c; cat c/b/x.pem; cat a/b/x.pem",
        "mv a c; find . -type f -exec cat {} +",
        "cp secret.txt copy; cat copy; ln secret.txt hard; cat hard",
        "python3 -c 'print(open(\"secret.txt\").read())'",
        "mv secret.txt away; cat away; chmod 644 secret.txt; cat secret.txt",
        "grep -r SECRET . ; tar c . | strings",
        "umount secret.txt; cat secret.txt; unshare -m umount secret.txt; cat secret.txt",
        "rm -f secret.txt a/b/x.pem",
    ] {
        let told = told(&home, line);
        assert!(!told.contains("TOPSECRET"), "{line}: {told}");
    }
    for line in [
        "echo x >> prod.yml; echo x > infra/main.tf",
        "rm -rf prod.yml infra",
        "mv prod.yml q.yml; cp q.yml prod.yml; mv infra old",
        "sed -i s/was/is/ prod.yml infra/main.tf",
        "ln -s prod.yml l.yml; echo x >> l.yml",
        "chmod 777 prod.yml; touch infra/other; echo x > new.txt; mkdir new.txt",
    ] {
        told(&home, line);
        for path in ["prod.yml", "infra/main.tf"] {
            assert_eq!(home.read(path), "as it was", "{line}");
        }
        assert!(!home.workspace().join("infra/other").exists());
        assert!(!home.workspace().join("new.txt").exists(), "{line}");
    }
    // The work beside it goes on.
    told(&home, "echo fine > src/new.txt && echo fine > note.txt && rm greeting.txt");
    assert_eq!(home.read("note.txt"), home.read("src/new.txt"));
    assert!(!home.workspace().join("greeting.txt").exists());
    assert_eq!(home.read("secret.txt"), "TOPSECRET");
}
