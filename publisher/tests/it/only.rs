//! A version of a part of what changed, against a simple model.

use std::fs;

use skep_publisher::{archive::path::ArchivePath, publish::Outcome, review::only};

use crate::fixture::{Author, Files, check, checked_out, noise};

/// Numbers that look random, always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Writes, changes or removes each of some files; pictures large enough to be blobs of their own are among
/// them.
fn change(author: &Author, numbers: &mut Numbers) {
    for n in 0..12 {
        let path = format!("{}/{n}.{}", ["a", "b"][n % 2], ["html", "png"][n % 3 % 2]);
        let large = path.ends_with("png") && n % 4 == 1;
        match numbers.below(4) {
            0 => drop(fs::remove_file(author.folder().join(&path))),
            1 => {}
            _ => {
                let length = if large { 40_000 } else { 20 };
                author.write(&path, noise(numbers.below(5), length));
            }
        }
    }
}

#[test]
fn chosen_paths_are_as_the_folder_has_them_and_the_others_as_they_were() {
    let mut numbers = Numbers(1);
    let author = Author::new().with("index.html", "i");
    let open = author.open();
    let mut model = Files::new();
    let mut versions = 0;
    for _ in 0..25 {
        change(&author, &mut numbers);
        let folder = author.files();
        let bits = numbers.below(1 << 12);
        let chosen = |path: &str| {
            let n = path.bytes().find(u8::is_ascii_digit).unwrap_or(b'0') - b'0';
            path == "index.html" || bits & (1 << n) != 0
        };
        let all = author.review(&open.store);
        let changes = all.output.changes.len();
        let (review, left_out) =
            only(&open.store, all, |path: &ArchivePath| chosen(path.as_str())).unwrap();
        assert_eq!(review.output.changes.len() + left_out, changes);
        assert!(
            review
                .output
                .changes
                .iter()
                .all(|c| chosen(c.path.as_str()))
        );
        let published = author.publish_review(&open.store, &review, "").unwrap();
        versions += u64::from(matches!(published, Outcome::Published(_)));

        model.retain(|path, _| !chosen(path));
        model.extend(folder.into_iter().filter(|(path, _)| chosen(path)));
        assert_eq!(checked_out(&open.store, author.site, None).unwrap(), model);
    }
    assert!(versions > 10, "{versions}");
    assert_eq!(check(&open.store, author.site).unwrap().versions, versions);
}
