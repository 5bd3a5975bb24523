//! Whatever goes wrong at whichever write or sync, the archive is at the old version or at the new one,
//! whole, and the next publish carries on.

use std::{collections::BTreeSet, io::Cursor};

use skep_publisher::{
    error::{Error, Kind},
    portable,
    publish::Outcome,
    store::{Place, Relation, Store},
};

use crate::{
    disk::{After, Disk, Fault},
    fixture::{Author, Files, check, checked_out, noise},
};

/// What a store has of a site: the newest version and its files.
fn state_of(store: &Store, author: &Author) -> (u64, Files) {
    let head = store.site(author.site).unwrap().and_then(|site| site.head);
    let Some(head) = head else {
        return (0, Files::new());
    };
    let verified = check(store, author.site).unwrap();
    assert_eq!(verified.versions, head.length());
    assert_eq!(verified.whole + verified.retracted, head.length());
    (
        head.length(),
        checked_out(store, author.site, None).unwrap(),
    )
}

/// What can be found after a fault; the torn ones by a few seeds that differ from step to step.
fn afters(step: usize) -> impl Iterator<Item = After> {
    let seeds = (0..2).map(move |n| After::Torn((step * 2 + n) as u64));
    [After::Running, After::Cut].into_iter().chain(seeds)
}

/// Runs `work` on a copy of `disk` with each fault at each step, and checks what is found afterwards: the
/// version `before`, or the one after it with the author's files. Returns how many steps there are.
pub(crate) fn at_every_step(
    disk: &Disk,
    author: &Author,
    before: (u64, Files),
    work: impl Fn(&Store) -> Result<(), Error>,
) -> usize {
    let after = (before.0 + 1, author.files());
    let run = |disk: &Disk| disk.open().and_then(|store| work(&store));
    let unharmed = disk.failing_after(usize::MAX, Fault::Io);
    run(&unharmed).unwrap();
    let steps = unharmed.steps();
    let mut found = BTreeSet::new();
    for step in 0..steps {
        for fault in [Fault::Full, Fault::Io, Fault::Dead] {
            let disk = disk.failing_after(step, fault);
            let result = run(&disk);
            if let Err(e) = &result {
                let expected = match fault {
                    Fault::Full => Kind::DiskFull,
                    Fault::Io | Fault::Dead => Kind::Io,
                };
                assert_eq!(e.kind, expected, "{fault:?} at {step}: {e}");
            }
            for then in afters(step) {
                let place = || format!("{fault:?} at {step}, then {then:?}");
                let disk = disk.after(then);
                let store = disk.open().unwrap_or_else(|e| panic!("{}: {e}", place()));
                let now = state_of(&store, author);
                assert!(now == before || now == after, "{}: {}", place(), now.0);
                assert!(result.is_err() || now == after, "{}: lost", place());
                found.insert((result.is_ok(), now.0));
                // The same again carries on, and survives the next power cut.
                work(&store).unwrap_or_else(|e| panic!("again after {}: {e}", place()));
                drop(store);
                let store = disk.after(After::Cut).open().unwrap();
                assert_eq!(state_of(&store, author), after, "again after {}", place());
            }
        }
    }
    // It was seen to fail before, to fail late, and to succeed although something failed at its end.
    assert!(found.contains(&(false, before.0)), "{found:?}");
    assert!(found.contains(&(false, after.0)), "{found:?}");
    steps
}

fn publish(author: &Author, store: &Store) -> Result<(), Error> {
    match author.try_publish(store)? {
        Outcome::Published(_) | Outcome::Unchanged(_) => Ok(()),
    }
}

#[test]
fn the_first_publish_is_all_or_nothing() {
    let author = Author::new()
        .with("index.html", "one")
        .with("photo.png", noise(0, 40_000));
    let steps = at_every_step(&Disk::new(), &author, (0, Files::new()), |store| {
        publish(&author, store)
    });
    assert!(steps > 10, "{steps}");
}

#[test]
fn a_further_publish_is_all_or_nothing() {
    let author = Author::new()
        .with("index.html", "one")
        .with("moved.html", "the same")
        .with("photo.png", noise(0, 40_000));
    let disk = Disk::new();
    let store = disk.open().unwrap();
    publish(&author, &store).unwrap();
    drop(store);
    let old = author.files();
    // Ten blobs are too many to be listed in clear: a list is among the writes.
    author.write("index.html", "two");
    author.rename("moved.html", "there.html");
    for n in 1..=10 {
        author.write(&format!("{n}.png"), noise(n, 40_000));
    }
    let steps = at_every_step(&disk, &author, (1, old), |store| publish(&author, store));
    // At least ten blobs, a pack, a list and a sync, and as much again of records.
    assert!(steps > 20, "{steps}");
}

#[test]
fn taking_versions_in_is_all_or_nothing() {
    let author = Author::new().with("index.html", "one");
    for n in 0..10 {
        author.write(&format!("{n}.png"), noise(n, 40_000));
    }
    let home = Disk::new().open().unwrap();
    publish(&author, &home).unwrap();
    let (first, old) = (export(&author, &home), author.files());
    author.write("index.html", "two");
    author.write("10.png", noise(10, 40_000));
    publish(&author, &home).unwrap();
    let second = export(&author, &home);

    let disk = Disk::new();
    import(&disk.open().unwrap(), &first).unwrap();
    let steps = at_every_step(&disk, &author, (1, old), |store| import(store, &second));
    assert!(steps > 10, "{steps}");
}

/// The mend of a fork moves the log to the other branch and abandons the own one: all of it, or nothing.
#[test]
fn a_mend_is_all_or_nothing() {
    for attempt in 0.. {
        let author = Author::new().with("index.html", "one");
        let twin = author.on_second_machine();
        twin.write("twin.html", noise(attempt, 5000));
        let theirs = Disk::new().open().unwrap();
        publish(&twin, &theirs).unwrap();
        let disk = Disk::new();
        let store = disk.open().unwrap();
        publish(&author, &store).unwrap();
        let own = store.known(author.site).unwrap().head.unwrap();
        let error = import(&store, &export(&twin, &theirs)).unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        // Of equally long branches that with the lower root goes on: every other time the twin's.
        if author.review(&store).mend.unwrap().is_onto_own() {
            continue;
        }
        drop(store);
        let old = author.files();
        author.write("index.html", "two");
        let steps = at_every_step(&disk, &author, (1, old), |store| {
            publish(&author, store)?;
            let state = store.known(author.site)?;
            assert_eq!(store.rivals(&state)?, []);
            assert_eq!(store.place_of(&own)?, Place::Abandoned);
            Ok(())
        });
        assert!(steps > 10, "{steps}");
        return;
    }
}

/// What another machine published breaks off on its way in, and the same files are published here: they
/// must not rely on what was lost.
#[test]
fn a_publish_after_versions_that_broke_off_stands_on_its_own() {
    let author = Author::new().with("index.html", "one");
    let home = Disk::new().open().unwrap();
    publish(&author, &home).unwrap();
    let first = export(&author, &home);
    author.write("index.html", "two");
    author.write("photo.png", noise(1, 40_000));
    publish(&author, &home).unwrap();
    let second = export(&author, &home);

    let disk = Disk::new();
    import(&disk.open().unwrap(), &first).unwrap();
    let run = |disk: &Disk| disk.open().and_then(|store| import(&store, &second));
    let unharmed = disk.failing_after(usize::MAX, Fault::Io);
    run(&unharmed).unwrap();
    for step in 0..unharmed.steps() {
        let dead = disk.failing_after(step, Fault::Dead);
        let _ = run(&dead);
        for then in afters(step) {
            let disk = dead.after(then);
            publish(&author, &disk.open().unwrap()).unwrap();
            let store = disk.after(After::Cut).open().unwrap();
            assert_eq!(
                state_of(&store, &author),
                (2, author.files()),
                "{step}, {then:?}"
            );
        }
    }
}

/// redb refuses to go on after a failure. That is no damage, and must not be called so.
#[test]
fn a_store_that_failed_once_says_so_until_it_is_opened_again() {
    let author = Author::new().with("index.html", "one");
    let disk = Disk::new();
    let steps = {
        let probe = disk.failing_after(usize::MAX, Fault::Io);
        publish(&author, &probe.open().unwrap()).unwrap();
        probe.steps()
    };
    let mut refused = 0;
    for step in 0..steps {
        let disk = disk.failing_after(step, Fault::Io);
        let Ok(store) = disk.open() else { continue };
        if publish(&author, &store).is_ok() {
            continue;
        }
        if let Err(e) = publish(&author, &store) {
            assert_eq!(e.kind, Kind::Io, "{step}: {e}");
            refused += 1;
        }
        drop(store);
        publish(&author, &disk.open().unwrap()).unwrap();
    }
    assert!(refused > 0);
}

fn export(author: &Author, store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    let state = store.known(author.site).unwrap();
    portable::export(store, &state, &mut file).unwrap();
    file
}

fn import(store: &Store, file: &[u8]) -> Result<(), Error> {
    let scratch = tempfile::tempdir().unwrap();
    let relation = |_| Relation::Own;
    portable::import(store, &mut Cursor::new(file), relation, scratch.path()).map(|_| ())
}
