//! One key on two machines: what is kept of a fork, how its author mends it, and that everyone follows.

use std::io::Cursor;

use skep_publisher::{
    archive::{address::Address, head::Head},
    error::Kind,
    portable,
    publish::Published,
    store::{Place, Relation, Store},
    swarm::{Node, fetch},
};

use crate::fixture::{Author, Other, check, checked_out, noise};

/// Two machines with one key and one version in common; then one version at the desk, `ahead` at the laptop.
struct Twins {
    desk: Author,
    laptop: Author,
    at_desk: std::sync::Arc<Node>,
    at_laptop: std::sync::Arc<Node>,
    /// The version that both have.
    first: Head,
}

impl Twins {
    async fn forked(ahead: usize) -> Self {
        let desk = Author::new()
            .with("index.html", "one")
            .with("photo.png", noise(1, 60_000));
        let laptop = desk.on_second_machine();
        let (at_desk, at_laptop) = (desk.start().await, laptop.start().await);
        let first = desk.publish_at(&at_desk).await.head;
        let brought = fetch::newest(
            &at_laptop,
            laptop.site,
            at_desk.ticket().unwrap(),
            fetch::Wanted::Whole,
        );
        brought.await.unwrap();
        at_laptop
            .store
            .add_site(laptop.site, Relation::Own)
            .unwrap();
        desk.write("desk.html", "from the desk");
        desk.publish_at(&at_desk).await;
        for n in 0..ahead {
            laptop.write("laptop.html", format!("from the laptop {n}"));
            laptop.write(&format!("{n}.png"), noise(10 + n as u64, 50_000));
            laptop.publish_at(&at_laptop).await;
        }
        Self {
            desk,
            laptop,
            at_desk,
            at_laptop,
            first,
        }
    }

    /// The desk learns of the laptop's versions, which contradict its own.
    async fn desk_sees_laptop(&self) {
        let error = fetch::newest(
            &self.at_desk,
            self.desk.site,
            self.at_laptop.ticket().unwrap(),
            fetch::Wanted::Whole,
        )
        .await
        .unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        assert!(error.message.contains("parts after version "), "{error}");
    }

    async fn mend_at_desk(&self) -> Published {
        self.desk_sees_laptop().await;
        let published = self.desk.publish_at(&self.at_desk).await;
        self.at_desk.share(self.desk.site, 1).await.unwrap();
        published
    }
}

fn head(store: &Store, author: &Author) -> Head {
    store.known(author.site).unwrap().head.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longer_branch_goes_on_and_the_other_stays_readable() {
    let twins = Twins::forked(2).await;
    let (store, site) = (&twins.at_desk.store, twins.desk.site);
    let own = head(store, &twins.desk);
    twins.desk_sees_laptop().await;
    assert_eq!(
        head(store, &twins.desk),
        own,
        "the evidence changes nothing"
    );
    let rivals = store.rivals(&store.known(site).unwrap()).unwrap();
    assert_eq!(rivals.len(), 1);
    assert_eq!(
        (rivals[0].head.length(), rivals[0].fork_point),
        (3, Some(1))
    );

    // The review is of what the other machine has published.
    let review = twins.desk.review(store);
    let mend = review.mend.as_ref().unwrap();
    assert_eq!(review.base.as_ref().unwrap().number, 3);
    assert!(!mend.is_onto_own());
    let [abandons] = &mend.abandons[..] else {
        panic!()
    };
    assert_eq!(
        (abandons.entry.number, abandons.fork_point, abandons.own),
        (2, 1, true)
    );
    assert_eq!(
        abandons.lost,
        [],
        "the desk's files are what would be published"
    );
    let removed: Vec<_> = review
        .output
        .changes
        .iter()
        .filter(|c| c.new.is_none())
        .collect();
    assert_eq!(removed.len(), 3, "the laptop's page and pictures");

    let mended = twins.desk.publish(store);
    assert_eq!(mended.head.length(), 4);
    assert_eq!(checked_out(store, site, None).unwrap(), twins.desk.files());
    assert_eq!(
        checked_out(store, site, Some(3)).unwrap()["laptop.html"],
        b"from the laptop 1"
    );
    let verified = check(store, site).unwrap();
    assert_eq!((verified.versions, verified.abandoned), (4, 1));
    let state = store.known(site).unwrap();
    assert_eq!(store.rivals(&state).unwrap(), []);
    assert_eq!(store.place_of(&own).unwrap(), Place::Abandoned);
    let [old] = &store.abandoned(&state).unwrap()[..] else {
        panic!()
    };
    let address: Address = format!("{}+2~{}", Address::of(site), &old.leaf.to_string()[..8])
        .parse()
        .unwrap();
    assert_eq!(store.entry_at(&state, &address).unwrap(), old.entry);
    let unchanged = twins.desk.try_publish(store).unwrap();
    assert!(matches!(
        unchanged,
        skep_publisher::publish::Outcome::Unchanged(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_branch_is_abandoned_although_no_file_changed() {
    let twins = Twins::forked(1).await;
    let (store, site) = (&twins.at_desk.store, twins.desk.site);
    twins.desk.write("second.html", "second");
    twins.desk.publish(store);
    twins.desk_sees_laptop().await;
    let review = twins.desk.review(store);
    assert_eq!(review.output.changes, []);
    let mend = review.mend.as_ref().unwrap();
    assert!(mend.is_onto_own());
    let [abandons] = &mend.abandons[..] else {
        panic!()
    };
    let lost: Vec<_> = abandons.lost.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(
        lost,
        ["0.png", "laptop.html"],
        "and not what the desk has added since"
    );
    let mended = twins.desk.publish(store);
    assert_eq!(mended.head.length(), 4);
    assert_eq!(mended.entry.abandoned.len(), 1);
    assert_eq!(check(store, site).unwrap().abandoned, 1);
    assert_eq!(checked_out(store, site, None).unwrap(), twins.desk.files());
}

/// Readers on either branch, and a new one, in several orders of meeting; a host in between.
#[tokio::test(flavor = "multi_thread")]
async fn readers_meet_in_any_order_and_end_at_the_mended_log() {
    for ahead in [1, 3] {
        let twins = Twins::forked(ahead).await;
        let site = twins.desk.site;
        let (of_desk, of_laptop) = (Other::pinning(site).await, Other::pinning(site).await);
        twins
            .desk
            .announce(&twins.at_desk, &of_desk.node)
            .await
            .unwrap();
        twins
            .laptop
            .announce(&twins.at_laptop, &of_laptop.node)
            .await
            .unwrap();
        let readers = [Other::new().await, Other::new().await, Other::new().await];
        let orders: [&[&Node]; 3] = [
            &[&of_desk.node, &of_laptop.node, &twins.at_laptop],
            &[&of_laptop.node, &of_desk.node, &twins.at_desk],
            &[],
        ];
        for (reader, order) in readers.iter().zip(orders) {
            for (n, holder) in order.iter().enumerate() {
                let read = reader.read(site, holder).await;
                // The first that a reader meets is where it stays.
                let same = read
                    .as_ref()
                    .is_ok_and(|fetched| n == 0 || fetched.versions == 0);
                let refused = read.as_ref().is_err_and(|e| e.kind == Kind::Conflict);
                assert!(same || refused, "{read:?}");
            }
        }
        let fork = |store: &Store| store.rivals(&store.known(site).unwrap()).unwrap().len();
        assert_eq!(fork(&readers[0].node.store), 1);
        assert_eq!(fork(&readers[1].node.store), 1);

        let mended = twins.mend_at_desk().await.head;
        // Everyone is told, or asks; whoever is told of an abandoned branch afterwards says it is older.
        for host in [&of_desk, &of_laptop] {
            twins
                .desk
                .announce(&twins.at_desk, &host.node)
                .await
                .unwrap();
        }
        let late = twins.laptop.announce(&twins.at_laptop, &of_desk.node).await;
        assert_eq!(late.unwrap_err().kind, Kind::Older);
        for (reader, from) in readers.iter().zip([&of_laptop, &of_desk, &of_desk]) {
            let fetched = reader.read(site, &from.node).await.unwrap();
            assert_eq!(fetched.head, mended);
            let older = reader.read(site, &twins.at_laptop).await.unwrap_err();
            assert_eq!(older.kind, Kind::Older, "{older}");
        }
        let brought = fetch::newest(
            &twins.at_laptop,
            site,
            of_laptop.node.ticket().unwrap(),
            fetch::Wanted::Whole,
        );
        assert_eq!(brought.await.unwrap().head, mended);
        let all = readers.iter().chain([&of_desk, &of_laptop]);
        for store in all
            .map(|other| &other.node.store)
            .chain([&twins.at_laptop.store])
        {
            assert_eq!(head(store, &twins.desk), mended);
            assert_eq!(check(store, site).unwrap().abandoned, 1);
            assert_eq!(checked_out(store, site, None).unwrap(), twins.desk.files());
            assert_eq!(fork(store), 0);
        }
        // The hosts still have every file of what they were told first.
        for host in [&of_desk, &of_laptop] {
            assert_eq!(
                check(&host.node.store, site).unwrap().whole,
                mended.length()
            );
        }
        assert_eq!(
            twins.at_desk.store.place_of(&twins.first).unwrap(),
            Place::Log
        );
    }
}

/// The laptop does not know of the mend and goes on; its branch is the longer one in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_went_on_after_it_was_abandoned_is_mended_again() {
    let twins = Twins::forked(1).await;
    let site = twins.desk.site;
    let reader = Other::new().await;
    let first = twins.mend_at_desk().await.head;
    reader.read(site, &twins.at_desk).await.unwrap();
    for n in 0..3 {
        twins.laptop.write("laptop.html", format!("on and on {n}"));
        twins.laptop.publish_at(&twins.at_laptop).await;
    }
    let error = reader.read(site, &twins.at_laptop).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    let second = twins.mend_at_desk().await;
    assert!(second.head.length() > first.length() + 1);
    let fetched = reader.read(site, &twins.at_desk).await.unwrap();
    assert_eq!(fetched.head, second.head);
    assert_eq!(
        reader.node.store.place_of(&first).unwrap(),
        Place::Abandoned
    );
    check(&reader.node.store, site).unwrap();
    // A newcomer gets all of it, branches of branches too.
    let late = Other::new().await;
    late.read(site, &twins.at_desk).await.unwrap();
    assert_eq!(late.node.store.place_of(&first).unwrap(), Place::Abandoned);
    let abandoned = |store: &Store| store.abandoned(&store.known(site).unwrap()).unwrap();
    assert_eq!(abandoned(&late.node.store), abandoned(&twins.at_desk.store));
    check(&late.node.store, site).unwrap();
}

fn export(store: &Store, author: &Author) -> Vec<u8> {
    let mut file = Vec::new();
    let state = store.known(author.site).unwrap();
    portable::export(store, &state, &mut file).unwrap();
    file
}

/// Without a network: an exported archive brings the evidence, and carries the branches.
#[test]
fn a_file_brings_the_other_branch_and_carries_the_abandoned_one() {
    let desk = Author::new().with("index.html", "one");
    let laptop = desk.on_second_machine();
    let (at_desk, at_laptop) = (desk.open(), laptop.open());
    desk.write("desk.html", noise(3, 3000));
    desk.publish(&at_desk.store);
    for n in 0..2 {
        laptop.write("laptop.html", format!("{n}"));
        laptop.publish(&at_laptop.store);
    }
    let import = |to: &skep_publisher::swarm::OpenStore, file: &[u8]| {
        let mut input = Cursor::new(file);
        portable::import(&to.store, &mut input, |_| Relation::Visited, &to.scratch())
    };
    let before = export(&at_desk.store, &desk);
    let error = import(&at_desk, &export(&at_laptop.store, &laptop)).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    let mended = desk.publish(&at_desk.store);
    assert_eq!(mended.head.length(), 3);
    let file = export(&at_desk.store, &desk);

    // Someone who had the desk's branch, someone who had the laptop's, and someone who had nothing.
    let reader = Author::new();
    let reader = reader.open();
    assert_eq!(import(&reader, &before).unwrap().version, 1);
    let newcomer = Author::new();
    let newcomer = newcomer.open();
    for open in [&reader, &at_laptop, &newcomer] {
        assert_eq!(import(open, &file).unwrap().version, 3);
        let verified = check(&open.store, desk.site).unwrap();
        assert_eq!(
            (verified.versions, verified.whole, verified.abandoned),
            (3, 3, 1)
        );
        assert_eq!(export(&open.store, &desk), file);
        assert_eq!(import(open, &before).unwrap_err().kind, Kind::Older);
        // The abandoned version's files came too.
        let state = open.store.known(desk.site).unwrap();
        let old = open.store.abandoned(&state).unwrap().remove(0);
        let reader = skep_publisher::store::Reader::new(&open.store, &state);
        let path = skep_publisher::archive::path::ArchivePath::new("desk.html").unwrap();
        let page = reader.find(old.entry.tree, &path).unwrap().unwrap();
        assert_eq!(reader.bytes(&page, 1 << 20).unwrap(), noise(3, 3000));
    }
    for end in 0..file.len() {
        if end % 97 == 0 {
            let open = Author::new();
            let open = open.open();
            assert_eq!(
                import(&open, &file[..end]).unwrap_err().kind,
                Kind::Hostile,
                "cut at {end}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_machines_are_mended_at_once() {
    let twins = Twins::forked(2).await;
    let site = twins.desk.site;
    let third = twins.desk.on_second_machine();
    let at_third = third.start().await;
    // It has nothing in common with them.
    third.write("third.html", "third");
    third.publish_at(&at_third).await;
    twins.desk_sees_laptop().await;
    let error = fetch::newest(
        &twins.at_desk,
        site,
        at_third.ticket().unwrap(),
        fetch::Wanted::Whole,
    )
    .await;
    assert_eq!(error.unwrap_err().kind, Kind::Conflict);
    let review = twins.desk.review(&twins.at_desk.store);
    let points = review.mend.as_ref().unwrap().abandons.iter();
    let points: Vec<_> = points.map(|a| (a.entry.number, a.fork_point)).collect();
    assert_eq!(points, [(2, 1), (1, 0)]);
    let mended = twins.desk.publish_at(&twins.at_desk).await.head;
    twins.at_desk.share(site, 1).await.unwrap();
    assert_eq!(mended.length(), 4);
    for (node, author) in [(&at_third, &third), (&twins.at_laptop, &twins.laptop)] {
        let brought = fetch::newest(
            node,
            site,
            twins.at_desk.ticket().unwrap(),
            fetch::Wanted::Whole,
        );
        assert_eq!(brought.await.unwrap().head, mended);
        assert_eq!(check(&node.store, author.site).unwrap().abandoned, 2);
    }
}
