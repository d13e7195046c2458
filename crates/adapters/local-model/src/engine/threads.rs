//! How many threads do the arithmetic.
//!
//! The threads of one evaluation wait for each other by spinning, so one thread more than there
//! are free cores makes everything several times slower, and one less costs only its share. The
//! number is therefore decided again and again: from the cores that nobody else uses, and from
//! what the last change did to the speed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Processor time used on this machine since it started, in clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticks {
    /// All cores, idle or not.
    pub(crate) all: u64,
    /// All cores, busy.
    pub(crate) busy: u64,
    /// This process.
    pub(crate) own: u64,
}

impl Ticks {
    /// Reads the kernel's counters (`proc(5)`: `/proc/stat`, `/proc/self/stat`); `None` elsewhere.
    pub(crate) fn now() -> Option<Self> {
        let machine = std::fs::read_to_string("/proc/stat").ok()?;
        let process = std::fs::read_to_string("/proc/self/stat").ok()?;
        Self::parse(&machine, &process)
    }

    fn parse(machine: &str, process: &str) -> Option<Self> {
        let fields: Vec<u64> = machine
            .lines()
            .find_map(|line| line.strip_prefix("cpu "))?
            .split_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; guest time is part of user time already.
        let counted = fields.get(..8)?;
        let all: u64 = counted.iter().sum();
        // Time stolen by the hypervisor is no core for us either.
        let busy = all - fields.get(3)? - fields.get(4)?;
        // The second field is a name in parentheses that may hold spaces.
        let after_name = process.rsplit_once(')')?.1;
        let own: Vec<u64> = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map_while(|field| field.parse().ok())
            .collect();
        Some(Self { all, busy, own: own.iter().sum() })
    }

    /// Cores that nobody but this process used from `earlier` to now. `None` when too little time
    /// passed to tell.
    pub(crate) fn free_cores(self, earlier: Self, cores: u32) -> Option<f64> {
        let all = self.all.checked_sub(earlier.all).filter(|ticks| *ticks >= 4)? as f64;
        let busy = self.busy.saturating_sub(earlier.busy) as f64;
        let own = self.own.saturating_sub(earlier.own) as f64;
        let others = (busy - own).max(0.0) / all;
        Some(f64::from(cores) * (1.0 - others))
    }
}

/// How long what was learnt about a number of threads holds.
const MEMORY: Duration = Duration::from_secs(20);
/// A core counts as free when no more than this share of it is used by others.
const SLACK: f64 = 0.3;
/// More threads must bring at least this much to be kept.
const WORTHWHILE: f64 = 1.1;

/// Decides the number of threads. Pure: it is told what was measured and when.
#[derive(Debug)]
pub(crate) struct ThreadGovernor {
    cores: u32,
    current: u32,
    /// By number of threads: seconds per token, and when that was measured.
    speeds: BTreeMap<u32, (f64, Duration)>,
}

impl ThreadGovernor {
    /// Starts with one thread per free core of `cores`.
    pub(crate) fn new(cores: u32, free: Option<f64>) -> Self {
        let cores = cores.max(1);
        let mut governor = Self { cores, current: 1, speeds: BTreeMap::new() };
        governor.current = governor.fitting(free.unwrap_or(f64::from(cores)));
        governor
    }

    /// The number to use now.
    pub(crate) const fn current(&self) -> u32 {
        self.current
    }

    fn fitting(&self, free: f64) -> u32 {
        ((free + SLACK).floor().max(1.0) as u32).min(self.cores)
    }

    /// Takes in that, at `now`, a token took `seconds` and `free` cores were not used by others.
    pub(crate) fn observe(&mut self, now: Duration, seconds: f64, free: Option<f64>) {
        let known = self.speeds.get(&self.current).map_or(seconds, |(known, _)| *known);
        self.speeds.insert(self.current, (0.5 * known + 0.5 * seconds, now));
        self.speeds.retain(|_, (_, at)| now.saturating_sub(*at) < MEMORY);
        let Some(free) = free else { return };
        let mut wanted = self.fitting(free);
        // More threads that were slower a moment ago are not tried again until that is forgotten.
        while wanted > 1 && self.known_useless(wanted) {
            wanted -= 1;
        }
        self.current = wanted;
    }

    fn known_useless(&self, threads: u32) -> bool {
        let fewer = self.speeds.range(..threads).map(|(_, (seconds, _))| *seconds);
        match (self.speeds.get(&threads), fewer.reduce(f64::min)) {
            (Some((more, _)), Some(fewer)) => fewer < more * WORTHWHILE,
            _ => false,
        }
    }
}

/// Watches the machine for a [`ThreadGovernor`].
#[derive(Debug)]
pub(crate) struct ThreadWatch {
    governor: ThreadGovernor,
    cores: u32,
    began: Instant,
    last: Option<Ticks>,
    looked: Duration,
    /// Seconds and tokens evaluated since the last look.
    spent: (f64, u32),
}

/// Use of the cores this long ago says nothing about now.
const STALE: Duration = Duration::from_secs(1);
/// Enough to see whether cores are busy.
const GLANCE: Duration = Duration::from_millis(60);
/// How often the machine is looked at: ticks are a hundredth of a second.
const EVERY: Duration = Duration::from_millis(250);

impl ThreadWatch {
    /// Compares with `earlier`, taken some tenths of a second ago.
    pub(crate) fn new(earlier: Option<Ticks>) -> Self {
        let cores = cores();
        let last = Ticks::now();
        let free = last.zip(earlier).and_then(|(now, earlier)| now.free_cores(earlier, cores));
        let governor = ThreadGovernor::new(cores, free);
        Self {
            governor,
            cores,
            began: Instant::now(),
            last,
            looked: Duration::ZERO,
            spent: (0.0, 0),
        }
    }

    /// The number of threads to use now.
    pub(crate) const fn current(&self) -> u32 {
        self.governor.current()
    }

    /// A pause ended: what happened during it says nothing about speeds.
    pub(crate) fn wake(&mut self) {
        if self.began.elapsed().saturating_sub(self.looked) > STALE {
            // What ran during a long pause (a tool, for one) is over: look at the present instead.
            self.last = Ticks::now();
            std::thread::sleep(GLANCE);
        }
        let now = Ticks::now();
        let free = now.zip(self.last).and_then(|(now, last)| now.free_cores(last, self.cores));
        if let Some(free) = free {
            self.governor.current = self.governor.fitting(free);
        }
        self.last = now;
        self.looked = self.began.elapsed();
        self.spent = (0.0, 0);
    }

    /// Work was done whose speed can't be compared; looks at the machine when it is time.
    pub(crate) fn passed(&mut self) {
        let now = self.began.elapsed();
        if now.saturating_sub(self.looked) >= EVERY {
            self.wake();
        }
    }

    /// Takes in that `tokens` took `seconds`; looks at the machine when it is time.
    pub(crate) fn evaluated(&mut self, seconds: f64, tokens: u32) {
        self.spent.0 += seconds;
        self.spent.1 += tokens;
        let now = self.began.elapsed();
        if now.saturating_sub(self.looked) < EVERY || self.spent.1 == 0 {
            return;
        }
        let ticks = Ticks::now();
        let free = ticks.zip(self.last).and_then(|(now, last)| now.free_cores(last, self.cores));
        self.governor.observe(now, self.spent.0 / f64::from(self.spent.1), free);
        self.last = ticks;
        self.looked = now;
        self.spent = (0.0, 0);
    }
}

/// Cores that this process may use, control groups and affinity considered.
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "cpu  100 10 50 800 40 0 0 0 0 0\ncpu0 1 2 3\n";
    const PROCESS: &str = "42 (a (b) c) R 1 1 1 0 -1 0 1 1 1 1 30 12 0 0 20 0 1 0";

    #[test]
    fn the_kernels_counters_are_read() {
        let ticks = Ticks::parse(MACHINE, PROCESS).unwrap();
        assert_eq!(ticks, Ticks { all: 1000, busy: 160, own: 42 });
        assert_eq!(Ticks::parse("nothing", PROCESS), None);
    }

    #[test]
    fn what_we_use_ourselves_is_free() {
        let before = Ticks { all: 1000, busy: 100, own: 50 };
        let after = Ticks { all: 1200, busy: 250, own: 150 };
        // Of 200 ticks on two cores others used 50: half a core.
        assert_eq!(after.free_cores(before, 2), Some(1.5));
        assert_eq!(before.free_cores(before, 2), None);
    }

    /// Observes one speed a second and tells the numbers of threads.
    fn story(governor: &mut ThreadGovernor, seen: &[(f64, f64)]) -> Vec<u32> {
        let mut at = Duration::ZERO;
        seen.iter()
            .map(|(seconds, free)| {
                at += Duration::from_secs(1);
                governor.observe(at, *seconds, Some(*free));
                governor.current()
            })
            .collect()
    }

    #[test]
    fn threads_follow_the_free_cores() {
        assert_eq!(ThreadGovernor::new(2, Some(0.4)).current(), 1);
        let mut governor = ThreadGovernor::new(4, Some(4.0));
        assert_eq!(governor.current(), 4);
        let told = story(&mut governor, &[(0.03, 3.9), (0.3, 1.2), (0.1, 0.2), (0.1, 2.8)]);
        assert_eq!(told, [4, 1, 1, 3]);
    }

    #[test]
    fn more_threads_that_brought_nothing_are_dropped_for_a_while() {
        let mut governor = ThreadGovernor::new(2, Some(1.0));
        // One thread: 0.05 s. A second core seems free, but two threads take 0.3 s.
        let told = story(&mut governor, &[(0.05, 2.0), (0.3, 2.0), (0.05, 2.0), (0.05, 2.0)]);
        assert_eq!(told, [2, 1, 1, 1]);
        governor.observe(Duration::from_secs(60), 0.05, Some(2.0));
        assert_eq!(governor.current(), 2, "forgotten after a while");
    }
}
