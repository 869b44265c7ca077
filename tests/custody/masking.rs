//! Masks tell equal from different, and nothing else.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use countersign::custody::masking::{FILE, MaskingError, MaskingKey};
use countersign::files::{self, FileError};

use crate::support::trust::label;

fn key(byte: u8) -> MaskingKey {
    MaskingKey::parse(&format!("{byte:02x}").repeat(32)).unwrap()
}

#[test]
fn a_mask_differs_by_everything_that_goes_into_it() {
    let mask = |key: &MaskingKey, at: [&str; 3], id: &str, pointer: &str, value: &str| {
        let plan = key.of_plan(&label(at[0]), &label(at[1]), &label(at[2])).unwrap();
        plan.mask(&id.parse().unwrap(), &pointer.parse().unwrap(), value.as_bytes()).unwrap()
    };
    let (shop, secret) = (["shop", "prod", "p"], "/Secret/shop/db");
    let all = [
        mask(&key(1), shop, secret, "/data/a", "\"x\""),
        mask(&key(2), shop, secret, "/data/a", "\"x\""),
        mask(&key(1), ["shop2", "prod", "p"], secret, "/data/a", "\"x\""),
        mask(&key(1), ["shop", "dev", "p"], secret, "/data/a", "\"x\""),
        mask(&key(1), ["shop", "prod", "q"], secret, "/data/a", "\"x\""),
        mask(&key(1), ["shop", "pro", "dp"], secret, "/data/a", "\"x\""),
        mask(&key(1), shop, "/Secret/shop/db2", "/data/a", "\"x\""),
        mask(&key(1), shop, secret, "/data/b", "\"x\""),
        mask(&key(1), shop, secret, "/data/a", "\"y\""),
        mask(&key(1), shop, secret, "/data/a", "x"),
        mask(&key(1), shop, secret, "/data", "/a\"x\""),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all[0], mask(&key(1), shop, secret, "/data/a", "\"x\""));
    for mask in &all {
        let digits = mask.strip_prefix("hmac-sha256:").unwrap();
        assert!(digits.len() == 64 && digits.bytes().all(|c| c.is_ascii_hexdigit()), "{mask}");
    }
    assert_ne!(key(1).id().unwrap(), key(2).id().unwrap());
    assert_eq!(key(1).id().unwrap().len(), 16);
}

/// Computed with Python's `hmac` from RFC 5869 and the framing in the module: it must never change.
#[test]
fn masks_stay_what_they_were() {
    let plan = key(1).of_plan(&label("shop"), &label("prod"), &label("p")).unwrap();
    let mask = plan
        .mask(&"/Secret/shop/db".parse().unwrap(), &"/data/a".parse().unwrap(), b"\"x\"")
        .unwrap();
    assert_eq!(
        mask,
        "hmac-sha256:d441b70133a3edbfb96ea2b5784950d09ba242b13e7acf53b14cd1250015cd6d"
    );
    assert_eq!(key(1).id().unwrap(), "c9dbb78e9679e665");
}

#[test]
fn the_file_is_its_owners_alone_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let open = files::open_folder(folder.path()).unwrap();
    let made = MaskingKey::create(&open, &[7; 32]).unwrap();
    assert_eq!(made.id().unwrap(), MaskingKey::read(&open).unwrap().id().unwrap());
    assert_eq!(made.id().unwrap(), key(7).id().unwrap());
    let path = folder.path().join(FILE);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = MaskingKey::create(&open, &[8; 32]).unwrap_err();
    assert!(matches!(refused, MaskingError::File(FileError::Exists { .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = MaskingKey::read(&open).unwrap_err();
    assert!(matches!(refused, MaskingError::File(FileError::Exposed { .. })), "{refused:?}");
    assert_eq!(format!("{made:?}"), "MaskingKey(not shown)");
}

#[test]
fn another_form_of_key_is_refused() {
    let good = "0a".repeat(32);
    assert!(MaskingKey::parse(&good).is_ok() && MaskingKey::parse(&format!("{good}\n")).is_ok());
    for bad in [
        "",
        &good[1..],
        &good.to_uppercase(),
        &format!("{good}0a"),
        &format!(" {good}"),
        &format!("{good}\n\n"),
        &"é".repeat(32),
    ] {
        assert!(matches!(MaskingKey::parse(bad), Err(MaskingError::Form)), "{bad:?}");
    }
}
