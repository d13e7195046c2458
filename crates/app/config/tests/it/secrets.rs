//! Secrets are found and kept, and never shown.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use bottega_config::{
    Keyring, KeyringError, NoKeyring, SecretError, SecretPlace, SecretReference, SecretStore,
};
use bottega_types::{Redactor, Secret};

use crate::world::World;

const CANARY: &str = "canary-0123456789";

#[derive(Debug, Default)]
struct InMemory(Mutex<BTreeMap<String, String>>);

impl Keyring for InMemory {
    fn get(&self, name: &str) -> Result<Option<Secret<String>>, KeyringError> {
        Ok(self.0.lock().unwrap().get(name).cloned().map(Secret::new))
    }

    fn set(&self, name: &str, value: &Secret<String>) -> Result<(), KeyringError> {
        self.0.lock().unwrap().insert(name.to_owned(), value.expose().clone());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), KeyringError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

fn secret(value: &str) -> Secret<String> {
    Secret::new(value.to_owned())
}

fn store(world: &World) -> SecretStore {
    SecretStore::with_keyring(&world.environment, &world.places, Box::new(NoKeyring))
}

fn stored(name: &str) -> SecretReference {
    SecretReference::Stored(name.to_owned())
}

/// Everything that is written below a home, as text.
fn all_bytes(folder: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(path).unwrap() });
    }
    bytes
}

#[track_caller]
fn check_round_trip(world: &World, store: &SecretStore, place: SecretPlace) {
    assert_eq!(store.set("work", &secret(&format!("{CANARY}\n"))).unwrap(), place);
    assert_eq!(store.resolve(&stored("work")).unwrap().expose(), CANARY);
    let rows = store.list().unwrap();
    assert_eq!((rows.len(), rows[0].name.as_str(), rows[0].place), (1, "work", place));
    let plain = all_bytes(&world.places.data);
    assert!(!plain.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    assert!(store.remove("work").unwrap());
    assert!(!store.remove("work").unwrap());
    assert!(matches!(store.resolve(&stored("work")), Err(SecretError::Missing { .. })));
}

#[test]
fn without_a_keyring_the_encrypted_file_keeps_them() {
    let world = World::new();
    check_round_trip(&world, &store(&world), SecretPlace::File);
    for file in [world.places.secrets(), world.places.identity()] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&world.places.data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn with_a_keyring_the_file_keeps_their_names() {
    let world = World::new();
    let keyring = Box::new(InMemory::default());
    let store = SecretStore::with_keyring(&world.environment, &world.places, keyring);
    check_round_trip(&world, &store, SecretPlace::Keyring);
}

#[test]
fn a_store_that_was_never_used_holds_nothing() {
    let world = World::new();
    let store = SecretStore::new(&world.environment, &world.places);
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn a_variable_is_taken_from_the_environment_and_else_from_the_store() {
    let mut world = World::new();
    let reference: SecretReference = "${OPENAI_API_KEY}".parse().unwrap();
    assert!(matches!(store(&world).resolve(&reference), Err(SecretError::Missing { .. })));
    store(&world).set("OPENAI_API_KEY", &secret("from-the-store")).unwrap();
    assert_eq!(store(&world).resolve(&reference).unwrap().expose(), "from-the-store");
    world.environment = [("OPENAI_API_KEY", "from-outside")].into_iter().collect();
    assert_eq!(store(&world).resolve(&reference).unwrap().expose(), "from-outside");
    let template = "Bearer ${OPENAI_API_KEY}, ${secret:OPENAI_API_KEY}".parse().unwrap();
    let filled = store(&world).fill(&template).unwrap();
    assert_eq!(filled.expose(), "Bearer from-outside, from-the-store");
}

#[test]
fn an_identity_that_others_may_read_is_not_used() {
    let world = World::new();
    store(&world).set("work", &secret(CANARY)).unwrap();
    fs::set_permissions(world.places.identity(), fs::Permissions::from_mode(0o640)).unwrap();
    let error = store(&world).resolve(&stored("work")).unwrap_err();
    assert!(matches!(error, SecretError::Exposed { mode: 0o640, .. }));
    assert!(error.to_string().contains("(mode 640)"), "{error}");
    assert!(store(&world).set("more", &secret(CANARY)).is_err());
}

#[test]
fn a_lost_identity_is_told_and_not_replaced() {
    let world = World::new();
    store(&world).set("work", &secret(CANARY)).unwrap();
    fs::remove_file(world.places.identity()).unwrap();
    assert!(matches!(store(&world).set("more", &secret(CANARY)), Err(SecretError::Locked { .. })));
    assert!(!world.places.identity().exists());
}

#[test]
fn a_damaged_file_is_told() {
    let world = World::new();
    store(&world).set("work", &secret(CANARY)).unwrap();
    let mut bytes = fs::read(world.places.secrets()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(world.places.secrets(), bytes).unwrap();
    assert!(matches!(store(&world).list(), Err(SecretError::Damaged { .. })));
}

#[test]
fn names_and_values_have_a_form() {
    let world = World::new();
    assert!(matches!(store(&world).set("a b", &secret(CANARY)), Err(SecretError::Name(_))));
    assert!(matches!(store(&world).set("a", &secret(" \n")), Err(SecretError::Empty)));
}

#[test]
fn keys_are_found_in_the_order_of_the_table() {
    let mut world = World::new();
    world.write("user", "providers.mine = { base_url = \"http://h:1\", key = \"secret:mine\" }");
    world.environment =
        [("OPENROUTER_API_KEY", CANARY), ("OPENAI_API_KEY", CANARY)].into_iter().collect();
    let config = world.load().unwrap();
    assert_eq!(store(&world).keyed_providers(config.settings()), ["openai", "openrouter"]);
    store(&world).set("mine", &secret(CANARY)).unwrap();
    assert_eq!(store(&world).keyed_providers(config.settings()), ["openai", "openrouter", "mine"]);
    let anthropic = &config.settings().providers["anthropic"];
    assert_eq!(store(&world).key_of(anthropic).unwrap(), None);
}

#[test]
fn no_secret_is_shown_and_the_redactor_knows_them_all() {
    let mut world = World::new();
    let values = [
        "canary-openai",
        "canary-header",
        "canary-hub-token",
        "canary-stored",
        "canary-collector",
        "x-key=canary-telemetry",
    ];
    world.environment = [
        ("OPENAI_API_KEY", values[0]),
        ("WORK", values[1]),
        ("HF_TOKEN", values[2]),
        ("COLLECTOR", values[4]),
        ("OTEL_EXPORTER_OTLP_HEADERS", values[5]),
    ]
    .into_iter()
    .collect();
    world.write(
        "user",
        "[providers.mine]\nbase_url = \"http://h:1\"\nheaders.Authorization = \"Bearer ${WORK}\"\n\
         [telemetry]\nheaders.x-key = \"${COLLECTOR}\"\n",
    );
    let store = store(&world);
    store.set("work", &secret(values[3])).unwrap();
    let config = world.load().unwrap();
    let shown = [
        format!("{config:?}"),
        format!("{store:?}"),
        format!("{:?}", world.environment),
        serde_json::to_string(config.settings()).unwrap(),
        serde_json::to_string(&config.list()).unwrap(),
        format!("{:?} {:?}", store.list().unwrap(), store.resolve(&stored("work"))),
    ];
    for text in shown {
        assert!(!text.contains("canary"), "{text}");
    }
    let redactor = store.redactor(config.settings());
    for value in values {
        assert_eq!(redactor.clean(value), Redactor::MARK);
    }
}
