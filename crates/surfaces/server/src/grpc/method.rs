//! Every call, in one table: who may make it, how long it may take, how much it may bring.

use crate::endpoints::{Patience, Size};
use crate::guard::Access;
use crate::principal::Needs;

/// One call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    /// As HTTP/2 names it: `/bottega.v1.AgentService/GetAgent`.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) needs: Needs,
    pub(crate) way: Way,
}

/// How questions and answers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One question, one answer.
    Once { patience: Patience, largest: Size },
    /// One question, and answers until either side has enough.
    Follow,
    /// Questions and answers as they come.
    Talk,
}

const fn once(path: &'static str) -> Method {
    let way = Way::Once { patience: Patience::Usual, largest: Size::Usual };
    Method { path, access: Access::Token, needs: Needs::Look, way }
}

/// One that changes what an agent does, or waits for an answer.
const fn long(path: &'static str) -> Method {
    let way = Way::Once { patience: Patience::Long, largest: Size::Usual };
    Method { way, ..once(path) }
}

/// One that brings a module.
const fn large(path: &'static str) -> Method {
    let way = Way::Once { patience: Patience::Long, largest: Size::Module };
    Method { way, ..once(path) }
}

const fn follow(path: &'static str) -> Method {
    Method { way: Way::Follow, ..once(path) }
}

const fn talk(path: &'static str) -> Method {
    Method { way: Way::Talk, ..once(path) }
}

const fn speaks(method: Method) -> Method {
    Method { needs: Needs::Speak, ..method }
}

const fn manages(method: Method) -> Method {
    Method { needs: Needs::Manage, ..method }
}

const fn open(method: Method) -> Method {
    Method { access: Access::Open, needs: Needs::Nothing, ..method }
}

/// Every call, by service.
pub(crate) const METHODS: &[Method] = &[
    manages(large("/bottega.v1.AgentService/DeployAgent")),
    once("/bottega.v1.AgentService/ListAgents"),
    once("/bottega.v1.AgentService/GetAgent"),
    manages(long("/bottega.v1.AgentService/StartAgent")),
    manages(long("/bottega.v1.AgentService/StopAgent")),
    manages(long("/bottega.v1.AgentService/RestartAgent")),
    manages(large("/bottega.v1.AgentService/UpgradeAgent")),
    manages(long("/bottega.v1.AgentService/RollBackAgent")),
    manages(long("/bottega.v1.AgentService/RemoveAgent")),
    once("/bottega.v1.AgentService/ListAgentEvents"),
    follow("/bottega.v1.AgentService/FollowAgentEvents"),
    speaks(once("/bottega.v1.GroupService/Publish")),
    speaks(once("/bottega.v1.GroupService/Subscribe")),
    speaks(once("/bottega.v1.GroupService/Unsubscribe")),
    once("/bottega.v1.GroupService/ListSubscriptions"),
    once("/bottega.v1.GroupService/ListEntries"),
    once("/bottega.v1.GroupService/GetEntry"),
    speaks(once("/bottega.v1.GroupService/WriteEntry")),
    speaks(once("/bottega.v1.GroupService/TakeEntry")),
    speaks(once("/bottega.v1.MessageService/SendMessage")),
    speaks(follow("/bottega.v1.MessageService/SendBatch")),
    speaks(long("/bottega.v1.MessageService/AskAgent")),
    speaks(follow("/bottega.v1.MessageService/FollowAsk")),
    once("/bottega.v1.MessageService/ListMail"),
    speaks(once("/bottega.v1.MessageService/ResendMail")),
    once("/bottega.v1.MessageService/GetConversation"),
    once("/bottega.v1.MessageService/GetTrace"),
    follow("/bottega.v1.MessageService/Receive"),
    speaks(once("/bottega.v1.MessageService/Acknowledge")),
    speaks(once("/bottega.v1.TenderService/OpenTender")),
    once("/bottega.v1.TenderService/ListTenders"),
    once("/bottega.v1.TenderService/GetTender"),
    once("/bottega.v1.TenderService/ListTenderEvents"),
    follow("/bottega.v1.TenderService/FollowTenderEvents"),
    speaks(once("/bottega.v1.TenderService/CloseTender")),
    speaks(once("/bottega.v1.TenderService/CancelTender")),
    once("/bottega.v1.TenderService/ListReputation"),
    once("/bottega.v1.TreeService/GetTree"),
    open(once("/grpc.health.v1.Health/Check")),
    open(follow("/grpc.health.v1.Health/Watch")),
    talk("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
    talk("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
];

/// The call that a path names.
pub(crate) fn find(path: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.path == path)
}

/// Whether there is a service of that name.
pub(crate) fn is_service(name: &str) -> bool {
    METHODS.iter().any(|method| {
        let rest = method.path.strip_prefix('/').and_then(|path| path.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use super::*;
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    /// Every call that is described: whether questions and answers are streams.
    fn described() -> BTreeMap<String, (bool, bool)> {
        let sets = [
            super::super::DESCRIBED,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut calls = BTreeMap::new();
        for file in sets.iter().flat_map(|set| FileDescriptorSet::decode(*set).unwrap().file) {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    calls.insert(path, (method.client_streaming(), method.server_streaming()));
                }
            }
        }
        calls
    }

    #[test]
    fn what_is_described_stands_in_the_table() {
        let rows = METHODS.iter().map(|method| {
            let streams = match method.way {
                Way::Once { .. } => (false, false),
                Way::Follow => (false, true),
                Way::Talk => (true, true),
            };
            (method.path.to_owned(), streams)
        });
        assert_eq!(rows.collect::<BTreeMap<_, _>>(), described());
        assert_eq!(METHODS.len(), described().len(), "no call stands there twice");
    }

    /// Field by field, with its number: what a client that was built earlier relies on.
    #[test]
    fn the_forms_stay_as_they_are() {
        let mut forms = String::new();
        for file in FileDescriptorSet::decode(super::super::DESCRIBED).unwrap().file {
            if file.package() != "bottega.v1" {
                continue;
            }
            for message in &file.message_type {
                writeln!(forms, "{}", message.name()).unwrap();
                for field in &message.field {
                    let (label, kind) = (field.label(), field.r#type());
                    let (number, name, of) = (field.number(), field.name(), field.type_name());
                    writeln!(forms, "  {number} {name} {label:?} {kind:?} {of}").unwrap();
                }
            }
            for values in &file.enum_type {
                writeln!(forms, "{}", values.name()).unwrap();
                for value in &values.value {
                    writeln!(forms, "  {} {}", value.number(), value.name()).unwrap();
                }
            }
            for service in &file.service {
                writeln!(forms, "{}", service.name()).unwrap();
                for method in &service.method {
                    let (name, from, to) =
                        (method.name(), method.input_type(), method.output_type());
                    writeln!(forms, "  {name} {from} {to}").unwrap();
                }
            }
        }
        insta::assert_snapshot!(forms);
    }

    #[test]
    fn only_health_is_open() {
        for method in METHODS {
            let health = method.path.starts_with("/grpc.health.v1.Health/");
            assert_eq!(method.access == Access::Open, health, "{}", method.path);
            assert_eq!(method.needs == Needs::Nothing, health, "{}", method.path);
        }
    }

    #[test]
    fn a_service_is_known_by_its_whole_name() {
        assert!(is_service("bottega.v1.AgentService") && is_service("grpc.health.v1.Health"));
        for other in ["", "bottega", "bottega.v1.AgentService/GetAgent", "AgentService"] {
            assert!(!is_service(other), "{other}");
        }
    }
}
