//! Chooses a node for each guest, so that all fit. Uses only numbers and names.

use std::collections::{BTreeMap, BTreeSet};

/// How many placements are tried before giving up; the first, greedy one usually fits.
const TRIES: usize = 50_000;

/// A guest to be moved to another node.
#[derive(Clone, Debug)]
pub struct MovingGuest {
    /// Its id.
    pub vmid: i64,
    /// Memory that it needs there, in bytes.
    pub memory: u64,
    /// Virtual CPUs that it has.
    pub cpus: f64,
    /// Bytes of the local disks that move with it, by storage.
    pub disks: BTreeMap<String, u64>,
    /// The nodes that it may be moved to, by their index in the list.
    pub allowed: BTreeSet<usize>,
}

/// A node with its capacity.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// Memory that it has, in bytes.
    pub memory: u64,
    /// Free memory, in bytes.
    pub free: u64,
    /// CPUs that it has.
    pub cpus: f64,
    /// Virtual CPUs that run on it.
    pub busy: f64,
    /// Free bytes, by storage.
    pub disks: BTreeMap<String, u64>,
}

/// Guests that must not, or must, be on the same node.
#[derive(Clone, Debug, Default)]
pub struct AffinityRules {
    /// The guests of each set must be on different nodes.
    pub apart: Vec<BTreeSet<i64>>,
    /// The guests of each set must be on the same node.
    pub together: Vec<BTreeSet<i64>>,
    /// The nodes of those guests in the sets that are not moved.
    pub fixed: BTreeMap<i64, usize>,
}

/// Returns the node of each guest, by its index in the list.
///
/// # Errors
/// Fails with the index of a guest for which no node was found.
pub fn place(movers: &[MovingGuest], rooms: &[Room], bonds: &AffinityRules) -> Result<Vec<usize>, usize> {
    let mut order: Vec<usize> = (0..movers.len()).collect();
    order.sort_by_key(|at| {
        let mover = &movers[*at];
        (std::cmp::Reverse(mover.memory), mover.allowed.len(), mover.vmid)
    });
    let mut search = Search {
        movers,
        bonds,
        order,
        rooms: rooms.to_vec(),
        chosen: vec![None; movers.len()],
        left: TRIES,
        deepest: 0,
    };
    // A guest that fits nowhere even before any other is placed needs no search.
    let hopeless = |at: &&usize| {
        let mover = &movers[**at];
        !mover.allowed.iter().any(|room| search.fits(mover, *room))
    };
    if let Some(at) = search.order.iter().find(hopeless) {
        return Err(*at);
    }
    if search.from(0) {
        return Ok(search.chosen.into_iter().flatten().collect());
    }
    Err(search.order[search.deepest.min(movers.len().saturating_sub(1))])
}

struct Search<'a> {
    movers: &'a [MovingGuest],
    bonds: &'a AffinityRules,
    /// The largest first.
    order: Vec<usize>,
    rooms: Vec<Room>,
    chosen: Vec<Option<usize>>,
    left: usize,
    deepest: usize,
}

impl Search<'_> {
    fn from(&mut self, depth: usize) -> bool {
        let Some(at) = self.order.get(depth).copied() else { return true };
        self.deepest = self.deepest.max(depth);
        let mover = &self.movers[at];
        let mut fitting: Vec<(f64, usize)> = mover
            .allowed
            .iter()
            .copied()
            .filter(|room| self.fits(mover, *room))
            .map(|room| (self.load(mover, room), room))
            .collect();
        fitting.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        for (_, room) in fitting {
            if self.left == 0 {
                return false;
            }
            self.left -= 1;
            self.take(at, room);
            if self.from(depth + 1) {
                return true;
            }
            self.give_back(at, room);
        }
        false
    }

    fn fits(&self, mover: &MovingGuest, at: usize) -> bool {
        let room = &self.rooms[at];
        let has = |(storage, size): (&String, &u64)| room.disks.get(storage).is_some_and(|free| size <= free);
        mover.memory <= room.free
            && mover.cpus <= room.cpus
            && mover.disks.iter().all(has)
            && self.bonds.apart.iter().all(|set| !self.others(set, mover).any(|other| other == at))
            && self.bonds.together.iter().all(|set| self.others(set, mover).all(|other| other == at))
    }

    /// The nodes of the other guests of a set, if this guest is in the set.
    fn others<'s>(
        &'s self,
        set: &'s BTreeSet<i64>,
        mover: &'s MovingGuest,
    ) -> impl Iterator<Item = usize> + 's {
        let others = set.iter().filter(|vmid| set.contains(&mover.vmid) && **vmid != mover.vmid);
        others.filter_map(|vmid| {
            let moved = self.movers.iter().position(|other| other.vmid == *vmid);
            moved.map_or_else(|| self.bonds.fixed.get(vmid).copied(), |moved| self.chosen[moved])
        })
    }

    /// The load of a node with this guest, by memory or CPUs, whichever is higher.
    #[allow(clippy::cast_precision_loss, reason = "a share")]
    fn load(&self, mover: &MovingGuest, at: usize) -> f64 {
        let room = &self.rooms[at];
        let memory = 1.0 - (room.free - mover.memory) as f64 / (room.memory.max(1)) as f64;
        memory.max((room.busy + mover.cpus) / room.cpus.max(1.0) / 4.0)
    }

    fn take(&mut self, at: usize, room: usize) {
        self.chosen[at] = Some(room);
        let (mover, room) = (&self.movers[at], &mut self.rooms[room]);
        room.free -= mover.memory;
        room.busy += mover.cpus;
        for (storage, size) in &mover.disks {
            room.disks.entry(storage.clone()).and_modify(|free| *free -= size);
        }
    }

    fn give_back(&mut self, at: usize, room: usize) {
        self.chosen[at] = None;
        let (mover, room) = (&self.movers[at], &mut self.rooms[room]);
        room.free += mover.memory;
        room.busy -= mover.cpus;
        for (storage, size) in &mover.disks {
            room.disks.entry(storage.clone()).and_modify(|free| *free += size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random numbers.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }

    fn case(numbers: &mut Numbers) -> (Vec<MovingGuest>, Vec<Room>, AffinityRules) {
        let rooms: Vec<Room> = (0..3)
            .map(|at| Room {
                name: format!("n{at}"),
                memory: 16,
                free: numbers.below(12),
                cpus: 2.0 + numbers.below(4) as f64,
                busy: 0.0,
                disks: BTreeMap::from([("d".to_owned(), numbers.below(8))]),
            })
            .collect();
        let movers: Vec<MovingGuest> = (0..5)
            .map(|vmid| MovingGuest {
                vmid,
                memory: numbers.below(7),
                cpus: 1.0 + numbers.below(3) as f64,
                disks: if numbers.below(3) == 0 {
                    BTreeMap::from([("d".to_owned(), numbers.below(5))])
                } else {
                    BTreeMap::new()
                },
                allowed: (0..3).filter(|_| numbers.below(5) != 0).collect(),
            })
            .collect();
        let mut bonds = AffinityRules { fixed: BTreeMap::from([(9, 1)]), ..AffinityRules::default() };
        if numbers.below(2) == 0 {
            bonds.apart.push(BTreeSet::from([0, 1, 9]));
        }
        if numbers.below(3) == 0 {
            bonds.together.push(BTreeSet::from([2, 3]));
        }
        (movers, rooms, bonds)
    }

    /// Whether a placement is valid as a whole.
    fn is_right(movers: &[MovingGuest], rooms: &[Room], bonds: &AffinityRules, chosen: &[usize]) -> bool {
        let on = |room: usize| movers.iter().zip(chosen).filter(move |(_, at)| **at == room);
        let fits = (0..rooms.len()).all(|room| {
            let disk: u64 = on(room).filter_map(|(mover, _)| mover.disks.get("d")).sum();
            on(room).map(|(mover, _)| mover.memory).sum::<u64>() <= rooms[room].free
                && on(room).all(|(mover, _)| mover.cpus <= rooms[room].cpus && mover.allowed.contains(&room))
                && disk <= rooms[room].disks["d"]
        });
        let at = |vmid: &i64| {
            let moved = movers.iter().position(|mover| mover.vmid == *vmid).map(|place| chosen[place]);
            moved.or_else(|| bonds.fixed.get(vmid).copied())
        };
        let places = |set: &BTreeSet<i64>| set.iter().filter_map(at).collect::<Vec<_>>();
        let distinct = |set: &BTreeSet<i64>| places(set).iter().collect::<BTreeSet<_>>().len();
        fits && bonds.apart.iter().all(|set| distinct(set) == places(set).len())
            && bonds.together.iter().all(|set| distinct(set) <= 1)
    }

    #[test]
    fn a_place_is_found_where_there_is_one_and_only_there() {
        let mut numbers = Numbers(7);
        let (mut found, mut none) = (0, 0);
        for _ in 0..2000 {
            let (movers, rooms, bonds) = case(&mut numbers);
            let all = (0..3_usize.pow(5)).map(|mut code| {
                let mut chosen = Vec::new();
                for _ in 0..5 {
                    chosen.push(code % 3);
                    code /= 3;
                }
                chosen
            });
            let possible = all.into_iter().any(|chosen| is_right(&movers, &rooms, &bonds, &chosen));
            match place(&movers, &rooms, &bonds) {
                Ok(chosen) => {
                    assert!(is_right(&movers, &rooms, &bonds, &chosen), "{movers:?} {rooms:?} {chosen:?}");
                    found += 1;
                }
                Err(at) => {
                    assert!(!possible && at < movers.len(), "{movers:?} {rooms:?} {bonds:?}");
                    none += 1;
                }
            }
        }
        assert!(200 < found && 200 < none, "{found} {none}");
    }

    #[test]
    fn the_emptier_node_is_taken() {
        let room = |name: &str, free| Room {
            name: name.into(),
            memory: 100,
            free,
            cpus: 8.0,
            busy: 0.0,
            disks: BTreeMap::new(),
        };
        let mover = MovingGuest {
            vmid: 1,
            memory: 10,
            cpus: 1.0,
            disks: BTreeMap::new(),
            allowed: BTreeSet::from([0, 1]),
        };
        let movers = vec![mover.clone(), MovingGuest { vmid: 2, ..mover }];
        assert_eq!(
            place(&movers, &[room("a", 40), room("b", 90)], &AffinityRules::default()),
            Ok(vec![1, 1])
        );
        assert_eq!(
            place(&movers, &[room("a", 40), room("b", 45)], &AffinityRules::default()),
            Ok(vec![1, 0])
        );
    }
}
