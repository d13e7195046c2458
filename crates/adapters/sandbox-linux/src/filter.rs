//! System calls that a command may not make.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Compare,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// Calls that no build or test needs, and with which a cage can be left or the kernel be attacked.
const DENIED: &[libc::c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_fanotify_init,
    // `quotactl_fd`, `open_tree_attr`: the library does not know them yet. Both have one number everywhere.
    443,
    467,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

/// New namespaces, by `clone(2)` or `unshare(2)`.
const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// What is shared with all programs of the user where there is no IPC namespace.
const SHARED: &[libc::c_long] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Requests that push characters into a terminal, as if a person had typed them (`ioctl_tty(2)`).
const TYPING: &[u64] = &[libc::TIOCSTI, libc::TIOCLINUX];

/// The kinds of sockets that a command may open: always the first, with internet sockets three, with the
/// network all.
const FAMILIES: &[libc::c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Which sockets a command may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// Local ones that connect to nobody: where the sockets of other programs can't be hidden, any of them
    /// may be one that runs commands (a session bus, a container service).
    Unconnected,
    /// Local ones.
    Local,
    /// Streams over the internet, to be held by somebody who knows where they go, and no local ones.
    Streams,
    /// Internet sockets too, in a network where nobody else is.
    Loopback,
    /// All that programs use; they may also ask the kernel how the network is set up.
    Network,
}

impl Sockets {
    /// Which of [`FAMILIES`] are allowed.
    fn families(self) -> &'static [libc::c_int] {
        match self {
            Self::Unconnected | Self::Local => &FAMILIES[..1],
            Self::Streams => &FAMILIES[1..3],
            Self::Loopback => &FAMILIES[..3],
            Self::Network => FAMILIES,
        }
    }
}

/// What a caged command may do beside the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cage {
    /// The sockets.
    pub(crate) sockets: Sockets,
    /// Whether nobody else is in its IPC namespace.
    pub(crate) alone: bool,
    /// Whether something else keeps its signals to itself.
    pub(crate) signals_held: bool,
}

/// The program for a caged command, or what is missing to build it. One, since each is run at every call.
pub(crate) fn cage(cage: Cage) -> Result<BpfProgram, String> {
    let sockets = cage.sockets;
    let mut rules = Rules::new();
    let mut denied = DENIED.to_vec();
    for flag in NAMESPACES.iter().copied().map(u64::from_flag) {
        for call in [libc::SYS_clone, libc::SYS_unshare] {
            let set = condition(0, Length::Qword, Compare::MaskedEq(flag), flag)?;
            rules.entry(call).or_default().push(rule(vec![set])?);
        }
    }
    for request in TYPING.iter().copied() {
        let same = condition(1, Length::Dword, Compare::Eq, request)?;
        rules.entry(libc::SYS_ioctl).or_default().push(rule(vec![same])?);
    }
    let mut socket = vec![others(0, sockets.families())?];
    match sockets {
        Sockets::Unconnected => {
            denied.push(libc::SYS_connect);
            // What needs no connection to be sent.
            socket.push(rule(vec![kind(libc::SOCK_DGRAM)?])?);
        }
        Sockets::Streams => {
            // Landlock knows TCP alone, and its connections only when they are made by `connect`.
            for other in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_SEQPACKET] {
                socket.push(rule(vec![kind(other)?])?);
            }
            socket.push(others(2, &[0, libc::IPPROTO_TCP])?);
            let fast = u64::from_flag(libc::MSG_FASTOPEN);
            for (call, flags) in
                [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)]
            {
                let set = condition(flags, Length::Dword, Compare::MaskedEq(fast), fast)?;
                rules.insert(call, vec![rule(vec![set])?]);
            }
        }
        Sockets::Local | Sockets::Loopback | Sockets::Network => {}
    }
    rules.insert(libc::SYS_socket, socket);
    // Limits of other processes; one's own are named by zero.
    let other = condition(0, Length::Dword, Compare::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![rule(vec![other])?]);
    if !cage.alone {
        denied.extend_from_slice(SHARED);
    }
    if !cage.signals_held {
        // "To everybody whom I may send one."
        let everybody = condition(0, Length::Dword, Compare::Eq, u64::from(u32::MAX))?;
        rules.insert(libc::SYS_kill, vec![rule(vec![everybody])?]);
    }
    // The flags of `clone3` lie in memory that a filter can't read; libraries that are told that the call
    // does not exist use `clone`.
    program(rules, &denied, &[libc::SYS_clone3])
}

/// The program for a command that is not caged but has no network.
pub(crate) fn no_sockets() -> Result<BpfProgram, String> {
    let rules = [(libc::SYS_socket, vec![others(0, Sockets::Local.families())?])].into();
    program(rules, &[libc::SYS_io_uring_setup], &[])
}

type Rules = BTreeMap<libc::c_long, Vec<SeccompRule>>;

trait FromFlag {
    fn from_flag(flag: libc::c_int) -> Self;
}

impl FromFlag for u64 {
    fn from_flag(flag: libc::c_int) -> Self {
        Self::from(flag.cast_unsigned())
    }
}

/// Matches calls whose argument `index` is none of these numbers.
fn others(index: u8, numbers: &[libc::c_int]) -> Result<SeccompRule, String> {
    let all = numbers
        .iter()
        .map(|number| condition(index, Length::Dword, Compare::Ne, u64::from_flag(*number)))
        .collect::<Result<_, _>>()?;
    rule(all)
}

/// Matches sockets of a kind, with whatever flags beside it.
fn kind(kind: libc::c_int) -> Result<SeccompCondition, String> {
    condition(1, Length::Dword, Compare::MaskedEq(0xf), u64::from_flag(kind))
}

fn condition(
    index: u8,
    length: Length,
    compare: Compare,
    value: u64,
) -> Result<SeccompCondition, String> {
    SeccompCondition::new(index, length, compare, value).map_err(|error| error.to_string())
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, String> {
    SeccompRule::new(conditions).map_err(|error| error.to_string())
}

/// Refuses the `denied` calls and what the rules match, and says of the `absent` calls that there are none.
fn program(
    rules: Rules,
    denied: &[libc::c_long],
    absent: &[libc::c_long],
) -> Result<BpfProgram, String> {
    let architecture: TargetArch =
        std::env::consts::ARCH.try_into().map_err(|error| format!("seccomp: {error}"))?;
    let errno = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let refused: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, errno, architecture)
        .and_then(TryInto::try_into)
        .map_err(|error| format!("seccomp: {error}"))?;
    let mut program = known_by_number(denied, absent)?;
    program.extend(refused);
    Ok(program)
}

/// Answers calls by their numbers alone, and goes on with what follows for all others. The kernel translates the
/// program anew for each command and tries it with every number that there is: one step for a call is a third of what
/// general rules take.
///
/// Not there are also those of the x32 interface of x86-64, whose numbers have bit 30 set: they do the same as the
/// others and no filter names them. No other architecture has numbers that large.
fn known_by_number(denied: &[libc::c_long], absent: &[libc::c_long]) -> Result<BpfProgram, String> {
    let statement = |code: u32, jump_true: u8, k: u32| sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: jump_true,
        jf: 0,
        k,
    };
    let answer = |error: libc::c_int| {
        let with = libc::SECCOMP_RET_ERRNO | error.cast_unsigned();
        statement(libc::BPF_RET | libc::BPF_K, 0, with)
    };
    // The tests, and behind them: on, no such call, refused.
    let tests = 1 + absent.len() + denied.len();
    let to = |place: usize, answer: usize| {
        u8::try_from(tests - place - 1 + answer).map_err(|_| "seccomp: too many calls".to_owned())
    };
    let (no_such_call, refused) = (1, 2);
    // The number of the call is the first field of what a filter sees.
    let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    let is = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let at_least = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    program.push(statement(at_least, to(0, no_such_call)?, 0x4000_0000));
    let answered = absent
        .iter()
        .map(|call| (call, no_such_call))
        .chain(denied.iter().map(|call| (call, refused)));
    for (place, (call, answer)) in (1..).zip(answered) {
        let number = u32::try_from(*call).map_err(|_| format!("seccomp: no call is {call}"))?;
        program.push(statement(is, to(place, answer)?, number));
    }
    program.push(statement(libc::BPF_JMP | libc::BPF_JA, 0, 2));
    program.push(answer(libc::ENOSYS));
    program.push(answer(libc::EPERM));
    Ok(program)
}
